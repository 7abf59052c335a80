// Options of a Cilium agent under Cilium's own names: which of them change a node here, how, and which are known but without effect yet.
// They come from a node's `options` or from the ConfigMap `cilium-config`, where every value is text.

import { isSupportedTableSize, parseSeed, supportedTableSizes } from '../maglev/index.ts'
import type { MapSizes, NodeSettings, OptionValue } from './settings.ts'

/** what an option does to a node's settings; text: why Cilium itself would refuse the value */
type Effect = (settings: NodeSettings, text: string) => NodeSettings | string

const largestMapMax = 1 << 24

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
  'bpf-lb-external-clusterip': (settings, text) => {
    const on = booleanOf(text)
    if (on === null) return `${JSON.stringify(text)} is neither true nor false`
    return { ...settings, options: { ...settings.options, 'bpf-lb-external-clusterip': on } }
  },
  'preallocate-bpf-maps': (settings, text) => {
    const on = booleanOf(text)
    return on === null ? `${JSON.stringify(text)} is neither true nor false` : { ...settings, preallocateMaps: on }
  },
  'bpf-lb-map-max': mapMax('services', 'backends', 'revNat', 'maglev'),
  'bpf-lb-service-map-max': mapMax('services'),
  'bpf-lb-service-backend-map-max': mapMax('backends'),
  'bpf-lb-rev-nat-map-max': mapMax('revNat'),
  'bpf-lb-maglev-map-max': mapMax('maglev')
}

/** read by a real agent's load balancer, without effect here yet */
const later = new Set([
  'bpf-lb-acceleration', 'bpf-lb-affinity-map-max', 'bpf-lb-algorithm-annotation', 'bpf-lb-dsr-dispatch', 'bpf-lb-dsr-l4-xlate',
  'bpf-lb-mode', 'bpf-lb-mode-annotation', 'bpf-lb-rss-ipv4-src-cidr', 'bpf-lb-rss-ipv6-src-cidr', 'bpf-lb-sock', 'bpf-lb-sock-hostns-only',
  'bpf-lb-source-range-all-types', 'bpf-lb-source-range-map-max', 'bpf-map-dynamic-size-ratio', 'enable-health-check-nodeport',
  'enable-host-port', 'enable-ipv4', 'enable-ipv6', 'enable-node-port', 'enable-service-topology', 'enable-session-affinity',
  'enable-svc-source-range-check', 'kube-proxy-replacement', 'node-port-acceleration', 'node-port-bind-protection', 'node-port-mode',
  'node-port-range', 'nodeport-addresses'
])

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
    if (effect === undefined) {
      const known = later.has(key)
      skipped.push({ key, reason: known ? 'the load balancer reads this option, but its behaviour is not built yet' : 'not an option of the load balancer' })
      continue
    }
    if (effect === algorithm && text === 'random') {
      skipped.push({ key, reason: 'random selection is not built yet, the node goes on with maglev' })
      continue
    }
    const after = effect(now, text)
    if (typeof after === 'string') wrong.push({ key, reason: after })
    else now = after
  }
  return { settings: now, skipped, wrong }
}

/** @returns why a node's `options` cannot hold this, or null */
export function knownOption (name: string, value: OptionValue): string | null {
  if (name === 'bpf-lb-external-clusterip') return typeof value === 'boolean' ? null : 'must be true or false'
  if (Object.hasOwn(effects, name)) return 'has a member of its own in the settings of a node'
  return later.has(name) ? 'is an option of Cilium, but its behaviour is not built yet' : 'is not an option of Cilium\'s load balancer'
}

function algorithm (settings: NodeSettings, text: string): NodeSettings | string {
  return text === 'maglev' ? { ...settings, algorithm: 'maglev' } : `${JSON.stringify(text)} is neither random nor maglev`
}

function mapMax (...maps: (keyof MapSizes)[]): Effect {
  return (settings, text) => {
    const size = /^\d{1,9}$/.test(text) ? Number(text) : NaN
    if (!(size >= 1 && size <= largestMapMax)) return `${JSON.stringify(text)} is not an integer from 1 to ${largestMapMax}`
    return { ...settings, mapSizes: { ...settings.mapSizes, ...Object.fromEntries(maps.map(map => [map, size])) } }
  }
}

/** as Go's flag parser reads booleans */
function booleanOf (text: string): boolean | null {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text) ? false : null
}
