// How Cilium is configured: Helm values, the ConfigMap cilium-config, or its options by themselves, as the options that an agent reads.

import { readFileSync } from 'node:fs'
import { applyCiliumConfig, defaultSettings } from '../../../lib/loadbalancer/index.ts'
import type { NodeSettings } from '../../../lib/loadbalancer/index.ts'
import type { Release } from '../../../lib/maglev/index.ts'
import { parseYaml } from '../../documents/parse.ts'
import { BadInput } from '../failures.ts'
import { findingOf } from './finding.ts'
import type { Finding } from './finding.ts'
import { faultOf } from './manifests.ts'

/** Helm value -> option */
export const helmOptions: Readonly<Record<string, string>> = {
  'loadBalancer.algorithm': 'bpf-lb-algorithm',
  'loadBalancer.mode': 'bpf-lb-mode',
  'loadBalancer.dsrDispatch': 'bpf-lb-dsr-dispatch',
  'loadBalancer.acceleration': 'bpf-lb-acceleration',
  'maglev.tableSize': 'bpf-lb-maglev-table-size',
  'maglev.hashSeed': 'bpf-lb-maglev-hash-seed',
  'bpf.lbMapMax': 'bpf-lb-map-max',
  'bpf.lbAlgorithmAnnotation': 'bpf-lb-algorithm-annotation',
  'bpf.lbModeAnnotation': 'bpf-lb-mode-annotation',
  'bpf.lbExternalClusterIP': 'bpf-lb-external-clusterip',
  'bpf.lbSourceRangeAllTypes': 'bpf-lb-source-range-all-types',
  'bpf.preallocateMaps': 'preallocate-bpf-maps',
  'bpf.mapDynamicSizeRatio': 'bpf-map-dynamic-size-ratio'
}

type Members = Readonly<Record<string, unknown>>

export interface CheckedConfig {
  /** null: there is none */
  readonly file: string | null
  readonly settings: NodeSettings
  /** option -> where it is set, as the file has it; for what is to be changed */
  readonly fieldOf: (option: string) => string
  /** what cannot be read, or what Cilium would refuse */
  readonly faults: readonly Finding[]
}

/** Where random selection is not said, Cilium's own default is random: a gate for Maglev takes Maglev. */
export function defaultConfig (): CheckedConfig {
  return { file: null, settings: defaultSettings('cilium'), fieldOf: (option) => option, faults: [] }
}

/** No value of Helm says it, nor does an option. */
export function withRelease (config: CheckedConfig, release: Release): CheckedConfig {
  return { ...config, settings: { ...config.settings, release } }
}

/** @throws BadInput where there is no such file */
export function readConfig (file: string, path: string): CheckedConfig {
  const parsed = parseYaml(readConfigFile(file, path))
  if (!parsed.ok) return { ...defaultConfig(), faults: [faultOf(file, parsed.fault)] }
  const [document = {}] = parsed.value as unknown[]
  if (!isMembers(document)) {
    return { ...defaultConfig(), faults: [findingOf('bad-input', 'Helm values or a ConfigMap are expected, not a list or a word', { file, line: 1 })] }
  }
  const { options, fields } = optionsIn(document)
  const { settings, wrong } = applyCiliumConfig(defaultSettings('cilium'), options)
  const faults = wrong.map(({ key, reason }) => findingOf('bad-input', reason, { file, line: 1, field: fields.get(key) ?? key }))
  const byOption = new Map(Object.entries(helmOptions).map(([helm, option]) => [option, helm]))
  const isHelm = [...fields.values()].some((field) => field.includes('.') && !field.startsWith('data.'))
  return { file, settings, fieldOf: (option) => fields.get(option) ?? (isHelm ? byOption.get(option) ?? `extraConfig.${option}` : option), faults }
}

function readConfigFile (file: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new BadInput(`cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? String(error)})`)
  }
}

function optionsIn (document: Members): { options: Map<string, string>, fields: Map<string, string> } {
  const options = new Map<string, string>()
  const fields = new Map<string, string>()
  const set = (option: string, value: unknown, field: string): void => {
    if (value === null || value === undefined || value === '' || typeof value === 'object') return
    options.set(option, String(value))
    fields.set(option, field)
  }
  if (document['kind'] === 'ConfigMap') {
    for (const [name, value] of Object.entries(membersOf(document['data']))) set(name, value, `data.${name}`)
    return { options, fields }
  }
  for (const [helm, option] of Object.entries(helmOptions)) {
    const [group = '', name = ''] = helm.split('.')
    set(option, membersOf(document[group])[name], helm)
  }
  // extraConfig, and a file of options alone
  for (const [name, value] of Object.entries(membersOf(document['extraConfig']))) set(name, value, `extraConfig.${name}`)
  for (const [name, value] of Object.entries(document)) if (name.includes('-')) set(name, value, name)
  return { options, fields }
}

const isMembers = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value)
const membersOf = (value: unknown): Members => isMembers(value) ? value : {}
