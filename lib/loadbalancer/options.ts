// Options of a Cilium agent that a node keeps under Cilium's own names: their values and defaults. Those that decide a member of the
// settings (sizes, seed, algorithm) are in cilium-options.ts.

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
  'enable-ipv6': true,
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

function readRange (text: string): { from: number, to: number } | null {
  const [, from = 0, to = 0] = (/^(\d{1,5}),(\d{1,5})$/.exec(text) ?? []).map(Number)
  return from < to && to <= 65_535 ? { from, to } : null
}
