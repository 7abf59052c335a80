// Options of a Cilium agent under Cilium's own names: which of them change a node here, how, and which are known but without effect.
// They come from a node's `options` or from the ConfigMap `cilium-config`, where every value is text.

import { isSupportedTableSize, parseSeed, supportedTableSizes } from '../maglev/index.ts'
import { largestMapSize, mapSizeNames } from './map-sizes.ts'
import type { MapSizes } from './map-sizes.ts'
import { readOption, refuseCombination, refuseOption } from './options.ts'
import type { NodeSettings, OptionValue } from './settings.ts'
import { algorithms } from './traits.ts'

/** what an option does to a node's settings; text: why Cilium itself would refuse the value */
type Effect = (settings: NodeSettings, text: string) => NodeSettings | string

const effects: Readonly<Record<string, Effect>> = {
  'bpf-lb-algorithm': algorithm,
  'node-port-algorithm': algorithm,
  'bpf-lb-maglev-table-size': (settings, text) => {
    const m = Number(text)
    if (!isSupportedTableSize(m)) return `${JSON.stringify(text)} is not one of ${supportedTableSizes.join(', ')}`
    return { ...settings, tableSizePolicy: { fixed: m } }
  },
  'bpf-lb-maglev-hash-seed': (settings, text) => {
    const seed = parseSeed(text)
    return seed.ok ? { ...settings, seed: text } : seed.reason
  },
  'node-port-mode': (settings, text) => withOption(settings, 'bpf-lb-mode', text),
  'preallocate-bpf-maps': (settings, text) => {
    const on = readOption('enable-ipv4', text)
    return typeof on === 'boolean' ? { ...settings, preallocateMaps: on } : `${JSON.stringify(text)} is neither true nor false`
  },
  'bpf-lb-map-max': mapMax(...mapSizeNames),
  'bpf-lb-service-map-max': mapMax('services'),
  'bpf-lb-service-backend-map-max': mapMax('backends'),
  'bpf-lb-rev-nat-map-max': mapMax('revNat'),
  'bpf-lb-affinity-map-max': mapMax('affinity'),
  'bpf-lb-source-range-map-max': mapMax('sourceRange'),
  'bpf-lb-maglev-map-max': mapMax('maglev')
}

/** read by a real agent's load balancer, but of no effect on what a node holds here */
const withoutEffect = new Set([
  'bpf-lb-acceleration', 'bpf-lb-dsr-l4-xlate', 'bpf-lb-rss-ipv4-src-cidr', 'bpf-lb-rss-ipv6-src-cidr', 'bpf-lb-sock', 'bpf-lb-sock-hostns-only',
  'bpf-map-dynamic-size-ratio', 'enable-health-check-loadbalancer-ip', 'enable-health-check-nodeport', 'enable-node-port',
  'lb-pressure-metrics-interval', 'lb-test-fault-probability', 'node-port-acceleration', 'node-port-bind-protection', 'nodeport-addresses'
])

/** values that Cilium takes and this node cannot do: it goes on with what it had */
const notBuilt = new Map([['bpf-lb-dsr-dispatch', 'geneve']])

export interface ConfigOutcome {
  readonly settings: NodeSettings
  readonly skipped: ReadonlyArray<{ readonly key: string, readonly reason: string }>
  /** keys whose value Cilium itself would refuse */
  readonly wrong: ReadonlyArray<{ readonly key: string, readonly reason: string }>
}

/** Keys are applied so that the general size of all maps comes before the size of one map. */
export function applyCiliumConfig (settings: NodeSettings, data: ReadonlyMap<string, string>): ConfigOutcome {
  const skipped: { key: string, reason: string }[] = []
  const wrong: { key: string, reason: string }[] = []
  let now = settings
  const keys = [...data.keys()].sort((one, other) => Number(other === 'bpf-lb-map-max') - Number(one === 'bpf-lb-map-max'))
  for (const key of keys) {
    const effect = Object.hasOwn(effects, key) ? effects[key] : undefined
    const text = data.get(key) ?? ''
    if (effect === undefined && readOption(key, text) === undefined) {
      const known = withoutEffect.has(key)
      skipped.push({ key, reason: known ? 'an option of the load balancer that has no effect here' : 'not an option of the load balancer' })
      continue
    }
    if (notBuilt.get(key) === text) {
      skipped.push({ key, reason: `${text} is not built, the node goes on as before` })
      continue
    }
    const after = effect === undefined ? withOption(now, key, text) : effect(now, text)
    if (typeof after === 'string') wrong.push({ key, reason: after })
    else now = after
  }
  const combination = refuseCombination(now)
  if (combination !== null) wrong.push({ key: combination.name, reason: combination.reason })
  return { settings: now, skipped, wrong }
}

/** @returns why a node's `options` cannot hold this, or null */
export function knownOption (name: string, value: OptionValue): string | null {
  const refused = refuseOption(name, value)
  if (refused !== undefined) return refused
  if (Object.hasOwn(effects, name)) return 'has a member of its own in the settings of a node'
  return withoutEffect.has(name) ? 'is an option of Cilium that has no effect here' : 'is not an option of Cilium\'s load balancer'
}

function withOption (settings: NodeSettings, name: string, text: string): NodeSettings | string {
  const value = readOption(name, text)
  if (value === null || value === undefined) return `${JSON.stringify(text)} is neither true nor false`
  const refused = refuseOption(name, value)
  return typeof refused === 'string' ? `${JSON.stringify(text)} ${refused}` : { ...settings, options: { ...settings.options, [name]: value } }
}

function algorithm (settings: NodeSettings, text: string): NodeSettings | string {
  const found = algorithms.find(one => one === text)
  return found === undefined ? `${JSON.stringify(text)} is neither random nor maglev` : { ...settings, algorithm: found }
}

function mapMax (...maps: (keyof MapSizes)[]): Effect {
  return (settings, text) => {
    const size = /^\d{1,9}$/.test(text) ? Number(text) : NaN
    if (!(size >= 1 && size <= largestMapSize)) return `${JSON.stringify(text)} is not an integer from 1 to ${largestMapSize}`
    return { ...settings, mapSizes: { ...settings.mapSizes, ...Object.fromEntries(maps.map(map => [map, size])) } }
  }
}
