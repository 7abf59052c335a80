// The compiled balancer: one object per table layout, built by scripts/build-datapath.sh and committed. Where the bytes are
// read from is the caller's business; names inside the objects are Cilium's.

export const datapathLayouts = ['flat', 'fixed', 'blob', 'dynamic', 'packed', 'compact'] as const
export type DatapathLayout = typeof datapathLayouts[number]

/** @returns the object's path below lib/datapath */
export function objectFile (layout: DatapathLayout): string {
  return `objects/balancer-${layout}.o`
}

/** @returns path below lib/datapath of the probe that times lookups alone */
export function probeFile (layout: DatapathLayout): string {
  return `objects/lookup-probe-${layout}.o`
}

export const programName = 'balancer_xdp'
/** under which the same program is loaded for the packets of a node's own pods */
export const programNameOfPods = 'balancer_pods'

/** by address family */
export const mapNames = {
  services: { 4: 'cilium_lb4_services_v2', 6: 'cilium_lb6_services_v2' },
  backends: { 4: 'cilium_lb4_backends_v3', 6: 'cilium_lb6_backends_v3' },
  reverseNat: { 4: 'cilium_lb4_reverse_nat', 6: 'cilium_lb6_reverse_nat' },
  maglev: { 4: 'cilium_lb4_maglev', 6: 'cilium_lb6_maglev' },
  sourceRange: { 4: 'cilium_lb4_source_range', 6: 'cilium_lb6_source_range' },
  affinity: { 4: 'cilium_lb4_affinity', 6: 'cilium_lb6_affinity' },
  conntrack: { 4: 'cilium_ct4_global', 6: 'cilium_ct6_global' },
  fragments: { 4: 'cilium_ipv4_frag_datagrams', 6: 'cilium_ipv6_frag_datagrams' }
} as const

/** of both families */
export const affinityMatchMapName = 'cilium_lb_affinity_match'
/** what the agent calls the inner maps it creates for both families */
export const innerMapName = 'cilium_maglev_inner'
export const metricsMapName = 'cilium_metrics'
/** The map of load-time constants (encodeLoadTimeConstants): object's name and section's, as libbpf puts them together. */
export const constantsMapName = 'balancer.rodata'
/** of the program for pods, which has constants of its own */
export const constantsMapNameOfPods = 'pods.rodata'
