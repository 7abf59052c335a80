// How Cilium is configured: Helm values, the ConfigMap cilium-config, or its options by themselves, as the options that an agent reads.

import { readFileSync } from 'node:fs'
import { applyCiliumConfig, defaultSettings } from '../../../lib/loadbalancer/index.ts'
import type { NodeSettings } from '../../../lib/loadbalancer/index.ts'
import type { Release } from '../../../lib/maglev/index.ts'
import { parseYaml } from '../../documents/parse.ts'
import { BadInput } from '../failures.ts'
import { findingOf } from './finding.ts'
import type { Finding } from './finding.ts'
import { OptionsRead, helmOptions, isMembers } from './helm-values.ts'
import type { FieldRemark } from './helm-values.ts'
import { faultOf } from './manifests.ts'

export interface CheckedConfig {
  /** null: there is none */
  readonly file: string | null
  readonly settings: NodeSettings
  /** option -> where it is set, as the file has it; for what is to be changed */
  readonly fieldOf: (option: string) => string
  /** what cannot be read, or what Cilium would refuse */
  readonly faults: readonly Finding[]
  /** names that are not read */
  readonly unread: readonly Finding[]
}

/** Where random selection is not said, Cilium's own default is random: a gate for Maglev takes Maglev. */
export function defaultConfig (): CheckedConfig {
  return { file: null, settings: defaultSettings('cilium'), fieldOf: (option) => option, faults: [], unread: [] }
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
  const { options, fields, wrong: misformed, misspelt, unread } = new OptionsRead(document)
  const { settings, wrong } = applyCiliumConfig(defaultSettings('cilium'), options)
  const refused = wrong.map(({ key, reason }) => ({ field: fields.get(key) ?? key, message: reason }))
  const found = (rule: string, remarks: readonly FieldRemark[]): Finding[] =>
    remarks.map(({ field, message }) => findingOf(rule, message, { file, line: 1, field }))
  const byOption = new Map(Object.entries(helmOptions).map(([helm, option]) => [option, helm]))
  const isHelm = [...fields.values()].some((field) => field.includes('.') && !field.startsWith('data.'))
  return {
    file,
    settings,
    fieldOf: (option) => fields.get(option) ?? (isHelm ? byOption.get(option) ?? `extraConfig.${option}` : option),
    faults: found('bad-input', [...misformed, ...refused]),
    unread: [...found('misspelt', misspelt), ...found('skipped', unread)]
  }
}

function readConfigFile (file: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new BadInput(`cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? String(error)})`)
  }
}
