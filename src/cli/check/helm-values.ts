// Helm values, a ConfigMap, or options by themselves -> options of the agent. A value that is misspelt leaves the default, which is
// what would be judged then, so names that are not read are said; what has the wrong form is refused as Helm would.

import { nearly } from './nearly.ts'

/** Helm value -> option */
export const helmOptions: Readonly<Record<string, string>> = {
  'loadBalancer.algorithm': 'bpf-lb-algorithm',
  'loadBalancer.mode': 'bpf-lb-mode',
  'loadBalancer.dsrDispatch': 'bpf-lb-dsr-dispatch',
  'loadBalancer.acceleration': 'bpf-lb-acceleration',
  'loadBalancer.serviceTopology': 'enable-service-topology',
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

/** values of the same groups that change nothing of what is judged */
const withoutEffect: Readonly<Record<string, readonly string[]>> = {
  loadBalancer: ['dsrL4Translate', 'experimental', 'l7', 'standalone'],
  maglev: [],
  bpf: [
    'authMapMax', 'autoMount', 'clockProbe', 'ctAccounting', 'ctAnyMax', 'ctTcpMax', 'datapathMode', 'disableExternalIPMitigation', 'distributedLRU',
    'enableTCX', 'events', 'hostLegacyRouting', 'lbBypassFIBLookup', 'masquerade', 'monitorAggregation', 'monitorFlags', 'monitorInterval',
    'monitorTraceIPOption', 'natMax', 'neighMax', 'nodeMapMax', 'policyMapMax', 'policyMapPressureMetricsThreshold', 'policyStatsMapMax', 'root', 'tproxy',
    'vlanBypass', 'waitForMount'
  ]
}
/** not `bpf`, which is near another group of Helm's */
const unmistakableGroups = ['loadBalancer', 'maglev']

export type Members = Readonly<Record<string, unknown>>

export interface FieldRemark {
  /** as the file has it */
  readonly field: string
  readonly message: string
}

export class OptionsRead {
  readonly options = new Map<string, string>()
  /** where each is set */
  readonly fields = new Map<string, string>()
  readonly wrong: FieldRemark[] = []
  readonly misspelt: FieldRemark[] = []
  readonly unread: FieldRemark[] = []

  constructor (document: Members) {
    if (document['kind'] === 'ConfigMap') this.#takeOptions(document, 'data')
    else {
      for (const group of Object.keys(withoutEffect)) this.#takeGroup(document, group)
      this.#takeOptions(document, 'extraConfig')
      // a file of options alone
      for (const [name, value] of Object.entries(document)) {
        if (name.includes('-') && (isRead(name) || typeof value !== 'object')) this.#set(name, value, name)
        else this.#sayUnread(name, unmistakableGroups, '')
      }
    }
  }

  #takeGroup (document: Members, group: string): void {
    const read = Object.keys(helmOptions).flatMap((helm) => helm.startsWith(`${group}.`) ? [helm.slice(group.length + 1)] : [])
    for (const [name, value] of this.#membersOf(document, group)) {
      const option = helmOptions[`${group}.${name}`]
      if (option !== undefined) this.#set(option, value, `${group}.${name}`)
      else if (withoutEffect[group]?.includes(name) !== true && !this.#sayUnread(name, read, `${group}.`)) {
        this.unread.push({ field: `${group}.${name}`, message: `${group}.${name} is not a value that is read` })
      }
    }
  }

  #takeOptions (document: Members, group: string): void {
    for (const [name, value] of this.#membersOf(document, group)) this.#set(name, value, `${group}.${name}`)
  }

  #membersOf (document: Members, group: string): [name: string, value: unknown][] {
    const value = document[group]
    if (value === null || value === undefined) return []
    if (isMembers(value)) return Object.entries(value)
    this.wrong.push({ field: group, message: `${formOf(value)} where values by their names are expected` })
    return []
  }

  #set (option: string, value: unknown, field: string): void {
    if (value === null || value === undefined || value === '') return
    if (typeof value === 'object') {
      this.wrong.push({ field, message: `${formOf(value)} where one value is expected` })
      return
    }
    this.#sayUnread(option, Object.values(helmOptions), field.slice(0, field.length - option.length))
    this.options.set(option, String(value))
    this.fields.set(option, field)
  }

  /** @returns whether a name that is read is meant */
  #sayUnread (name: string, read: readonly string[], prefix: string): boolean {
    const meant = nearly(name, read)
    if (meant !== undefined) this.misspelt.push({ field: prefix + name, message: `${prefix}${name} is not a value that is read (${prefix}${meant} is)` })
    return meant !== undefined
  }
}

export const isMembers = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value)

const isRead = (option: string): boolean => Object.values(helmOptions).includes(option)

const formOf = (value: unknown): string => Array.isArray(value) ? 'a list' : isMembers(value) ? 'a group of values' : JSON.stringify(value)
