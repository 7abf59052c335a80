// Options of a Cilium agent that a node keeps under Cilium's own names: their values and defaults. Those that decide a member of the
// settings (sizes, seed, algorithm) are in cilium-options.ts.

import { largestMapSize } from './map-sizes.ts'
import type { NodeSettings, OptionValue } from './settings.ts'

/** each with Cilium's default; features that Cilium's kube-proxy replacement needs are on */
const switches = {
  'bpf-lb-algorithm-annotation': false,
  'bpf-lb-enable-wildcard-entries': true,
  'bpf-lb-external-clusterip': false,
  'bpf-lb-mode-annotation': false,
  'bpf-lb-source-range-all-types': false,
  'enable-host-port': true,
  'enable-ipv4': true,
  'enable-ipv4-fragment-tracking': true,
  'enable-ipv6': true,
  'enable-ipv6-fragment-tracking': true,
  'enable-service-topology': false,
  'enable-session-affinity': true,
  'enable-svc-source-range-check': true,
  'kube-proxy-replacement': true
} as const

/** the first is Cilium's default */
const choices = {
  'bpf-lb-dsr-dispatch': ['opt', 'ipip'],
  'bpf-lb-mode': ['snat', 'dsr', 'hybrid'],
  'default-lb-service-ipam': ['lbipam', 'nodeipam', 'none']
} as const

export type SwitchName = keyof typeof switches
export type ChoiceName = keyof typeof choices
type Choice<N extends ChoiceName> = typeof choices[N][number]

/** numbers of entries, with Cilium's default */
const entries = {
  'bpf-ct-global-tcp-max': 524_288,
  'bpf-fragments-map-max': 8_192
} as const

/** seconds; as text a Go duration, of which the default is one */
const durations = {
  'bpf-ct-timeout-regular-tcp-syn': 60,
  'bpf-ct-timeout-service-any': 60,
  'bpf-ct-timeout-service-tcp': 8_000,
  'bpf-ct-timeout-service-tcp-grace': 60
} as const

export type EntriesName = keyof typeof entries
export type DurationName = keyof typeof durations

const nodePortRangeName = 'node-port-range'
const defaultNodePortRange = { from: 30_000, to: 32_767 } as const

export type WithOptions = Pick<NodeSettings, 'options'>

export function isOn ({ options }: WithOptions, name: SwitchName): boolean {
  const value = options[name]
  return typeof value === 'boolean' ? value : switches[name]
}

export function chosen<N extends ChoiceName> ({ options }: WithOptions, name: N): Choice<N> {
  const allowed: readonly Choice<N>[] = choices[name]
  return allowed.find(choice => choice === options[name]) ?? allowed[0] as Choice<N>
}

/** max_entries of a map */
export function maxEntriesOf ({ options }: WithOptions, name: EntriesName): number {
  return readEntries(options[name]) ?? entries[name]
}

/** whole seconds */
export function secondsOf ({ options }: WithOptions, name: DurationName): number {
  return readSeconds(options[name]) ?? durations[name]
}

/** ports that belong to NodePort services, both ends included */
export function nodePortRange ({ options }: WithOptions): { readonly from: number, readonly to: number } {
  return readRange(String(options[nodePortRangeName] ?? '')) ?? defaultNodePortRange
}

/** @returns why a node cannot have this value, or null; undefined: not one of these options */
export function refuseOption (name: string, value: OptionValue): string | null | undefined {
  if (Object.hasOwn(switches, name)) return typeof value === 'boolean' ? null : 'must be true or false'
  if (isChoice(name)) {
    const allowed: readonly OptionValue[] = choices[name]
    return allowed.includes(value) ? null : `must be one of ${allowed.join(', ')}`
  }
  if (Object.hasOwn(entries, name)) return readEntries(value) === null ? `must be an integer from 1 to ${largestMapSize}` : null
  if (Object.hasOwn(durations, name)) return readSeconds(value) === null ? 'must be a duration such as 2h13m20s, of at most 497 days' : null
  if (name === nodePortRangeName) return readRange(String(value)) === null ? 'must be two ports, the lower one first: 30000,32767' : null
  return undefined
}

/** The value that an option's text means, as Cilium's own flag parser reads it. @returns null: none; undefined: not one of these options */
export function readOption (name: string, text: string): OptionValue | null | undefined {
  if (Object.hasOwn(switches, name)) return readSwitch(text)
  return refuseOption(name, text) === undefined ? undefined : text
}

/** @returns what does not go together */
export function refuseCombination (settings: WithOptions): { readonly name: string, readonly reason: string } | null {
  if (isOn(settings, 'bpf-lb-mode-annotation') && chosen(settings, 'bpf-lb-mode') === 'hybrid') {
    return { name: 'bpf-lb-mode', reason: 'hybrid is no default beside bpf-lb-mode-annotation, as in Cilium' }
  }
  return null
}

function isChoice (name: string): name is ChoiceName {
  return Object.hasOwn(choices, name)
}

function readSwitch (text: string): boolean | null {
  // strict, partial, probe and disabled were words of kube-proxy-replacement up to 1.15
  if (['1', 't', 'T', 'true', 'TRUE', 'True', 'strict', 'partial', 'probe'].includes(text)) return true
  return ['0', 'f', 'F', 'false', 'FALSE', 'False', 'disabled'].includes(text) ? false : null
}

function readEntries (value: OptionValue | undefined): number | null {
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) && number >= 1 && number <= largestMapSize ? number : null
}

const secondsOfUnit: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 }
/** lifetimes are u32 seconds of the machine's clock */
const longestSeconds = 497 * 86_400

function readSeconds (value: OptionValue | undefined): number | null {
  if (typeof value !== 'string' || !/^(\d{1,6}h)?(\d{1,6}m)?(\d{1,8}s)?$/.test(value) || value === '') return null
  const seconds = [...value.matchAll(/(\d+)([hms])/g)].reduce((sum, [, number, unit = '']) => sum + Number(number) * (secondsOfUnit[unit] ?? 0), 0)
  return seconds <= longestSeconds ? seconds : null
}

function readRange (text: string): { from: number, to: number } | null {
  const [, from = 0, to = 0] = (/^(\d{1,5}),(\d{1,5})$/.exec(text) ?? []).map(Number)
  return from < to && to <= 65_535 ? { from, to } : null
}
