// `cilium-dbg config --all`: every setting of a running agent under the name it has in Cilium's code, `NAME : value` a line. Those of the
// load balancer have an option each, and are taken as if the ConfigMap said it.

import type { ReadText } from './texts.ts'

/** name in the agent -> option; releases moved and renamed some */
const optionOf: Readonly<Record<string, string>> = {
  NodePortAlg: 'bpf-lb-algorithm',
  LBAlgorithm: 'bpf-lb-algorithm',
  NodePortMode: 'bpf-lb-mode',
  LBMode: 'bpf-lb-mode',
  LoadBalancerDSRDispatch: 'bpf-lb-dsr-dispatch',
  DSRDispatch: 'bpf-lb-dsr-dispatch',
  LoadBalancerAlgorithmAnnotation: 'bpf-lb-algorithm-annotation',
  AlgorithmAnnotation: 'bpf-lb-algorithm-annotation',
  LoadBalancerModeAnnotation: 'bpf-lb-mode-annotation',
  LBModeAnnotation: 'bpf-lb-mode-annotation',
  MaglevTableSize: 'bpf-lb-maglev-table-size',
  MaglevHashSeed: 'bpf-lb-maglev-hash-seed',
  ExternalClusterIP: 'bpf-lb-external-clusterip',
  EnableSessionAffinity: 'enable-session-affinity',
  EnableSVCSourceRangeCheck: 'enable-svc-source-range-check',
  LBSourceRangeAllTypes: 'bpf-lb-source-range-all-types',
  PreAllocateMaps: 'preallocate-bpf-maps',
  LBMapEntries: 'bpf-lb-map-max',
  LBServiceMapEntries: 'bpf-lb-service-map-max',
  LBBackendMapEntries: 'bpf-lb-service-backend-map-max',
  LBRevNatEntries: 'bpf-lb-rev-nat-map-max',
  LBAffinityMapEntries: 'bpf-lb-affinity-map-max',
  LBSourceRangeMapEntries: 'bpf-lb-source-range-map-max',
  LBMaglevMapEntries: 'bpf-lb-maglev-map-max'
}

export interface ConfigList {
  /** option -> value as text */
  readonly options: ReadonlyMap<string, string>
  /** settings that are not the load balancer's */
  readonly others: number
}

export function readConfigText ({ lines }: ReadText): ConfigList {
  const options = new Map<string, string>()
  let others = 0
  for (const { text } of lines) {
    const [, name = '', value = ''] = /^([A-Za-z][\w-]*) *: (.*)$/.exec(text) ?? []
    if (name === '') continue
    const option = Object.hasOwn(optionOf, name) ? optionOf[name] : undefined
    if (option === undefined) others++
    // 0 entries and an empty text: not set, the general size or the default holds
    else if (value.trim() !== '' && !(option.endsWith('-map-max') && value.trim() === '0')) options.set(option, value.trim())
  }
  return { options, others }
}
