// The rest of the bill: the maps beside the load balancer's own that Cilium's datapath has for connections. They are not built here (on a
// node of 64 GiB they are larger than all tables); their sizes follow Cilium's rules and their bytes the formulas of lib/bpf/map/memory.ts.

import { BPF_F_NO_PREALLOC } from '../../bpf/map/index.ts'
import type { MapShape } from '../../bpf/map/memory.ts'
import { areasOf, byKernel, perCpuBytes, shapeBytes } from './map-bytes.ts'
import type { Bytes, KernelBytes, NodeKernel } from './map-bytes.ts'

type ConnectionMapGroup = 'conntrack' | 'NAT' | 'neighbours' | 'reverse socket NAT' | 'affinity'

export interface ConnectionMap extends Bytes {
  /** Cilium's name */
  readonly name: string
  readonly group: ConnectionMapGroup
  readonly type: 'hash' | 'lru_hash'
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  /** `ratio`: by bpf-map-dynamic-size-ratio and the node's memory; `default`: Cilium's fixed one */
  readonly sizedBy: 'ratio' | 'default'
  readonly from: 'computed'
  readonly byKernel: readonly KernelBytes[]
  readonly perCpuBytes: number
}

export interface Sizing {
  /** memory of the machine */
  readonly ramBytes: number
  /** Cilium's bpf-map-dynamic-size-ratio; 0: fixed default sizes */
  readonly bpfMapDynamicSizeRatio: number
}

export const defaultSizing: Sizing = { ramBytes: 64 * 2 ** 30, bpfMapDynamicSizeRatio: 0.0025 }

interface DynamicSizes {
  readonly ctTcp: number
  readonly ctAny: number
  readonly nat: number
  readonly neighbours: number
  readonly reverseSocket: number
}

/** entries while nothing is sized by memory; neighbours have as many as NAT, which is two thirds of all connections tracked */
const defaults: DynamicSizes = { ctTcp: 1 << 19, ctAny: 1 << 18, nat: 1 << 19, neighbours: 1 << 19, reverseSocket: 1 << 18 }
/** the ratio never gives fewer */
const minima: DynamicSizes = { ctTcp: 1 << 17, ctAny: 1 << 16, nat: 1 << 17, neighbours: 1 << 17, reverseSocket: 1 << 16 }
const largest = 1 << 24
/** key and value of the IPv6 maps, with which the rule reckons for both families */
const elementBytes: DynamicSizes = { ctTcp: 38 + 56, ctAny: 38 + 56, nat: 38 + 56, neighbours: 16 + 8, reverseSocket: 32 + 20 }
const kinds = Object.keys(defaults) as ReadonlyArray<keyof DynamicSizes>

/**
 * Cilium's rule for bpf-map-dynamic-size-ratio (its documentation "eBPF Maps"; pkg/maps/mapsize of 1.17 and later): ratio x memory is
 * shared out in proportion to what the default sizes take, each map within its least and the largest size; neighbours have as many
 * entries as NAT has. Load-balancer and Maglev maps are left out of it.
 */
export function dynamicSizes ({ ramBytes, bpfMapDynamicSizeRatio }: Sizing): DynamicSizes {
  if (bpfMapDynamicSizeRatio === 0) return defaults
  const available = Math.floor(ramBytes * bpfMapDynamicSizeRatio)
  const needed = kinds.reduce((sum, kind) => sum + defaults[kind] * elementBytes[kind], 0)
  const size = (kind: keyof DynamicSizes): number =>
    Math.min(largest, Math.max(minima[kind], Math.floor(defaults[kind] * available / needed)))
  const nat = size('nat')
  return { ctTcp: size('ctTcp'), ctAny: size('ctAny'), nat, neighbours: nat, reverseSocket: size('reverseSocket') }
}

/** entries of the affinity maps: bpf-lb-map-max */
const affinityEntries = 65_536

/** Both families. All are LRU hashes, allocated as a whole at the start, but for the one that says which backends an affinity may name. */
export function connectionMaps (node: NodeKernel, sizing: Sizing, preallocate: boolean): ConnectionMap[] {
  const sizes = dynamicSizes(sizing)
  const sizedBy = sizing.bpfMapDynamicSizeRatio === 0 ? 'default' : 'ratio'
  const lru = (name: string, group: ConnectionMapGroup, keySize: number, valueSize: number, maxEntries: number): ConnectionMap =>
    weigh(node, { name, group, type: 'lru_hash', keySize, valueSize, maxEntries, flags: 0, sizedBy: group === 'affinity' ? 'default' : sizedBy })
  return [
    lru('cilium_ct4_global', 'conntrack', 14, 56, sizes.ctTcp),
    lru('cilium_ct_any4_global', 'conntrack', 14, 56, sizes.ctAny),
    lru('cilium_ct6_global', 'conntrack', 38, 56, sizes.ctTcp),
    lru('cilium_ct_any6_global', 'conntrack', 38, 56, sizes.ctAny),
    lru('cilium_snat_v4_external', 'NAT', 14, 40, sizes.nat),
    lru('cilium_snat_v6_external', 'NAT', 38, 56, sizes.nat),
    lru('cilium_nodeport_neigh4', 'neighbours', 4, 8, sizes.neighbours),
    lru('cilium_nodeport_neigh6', 'neighbours', 16, 8, sizes.neighbours),
    lru('cilium_lb4_reverse_sk', 'reverse socket NAT', 16, 8, sizes.reverseSocket),
    lru('cilium_lb6_reverse_sk', 'reverse socket NAT', 32, 20, sizes.reverseSocket),
    lru('cilium_lb4_affinity', 'affinity', 16, 16, affinityEntries),
    lru('cilium_lb6_affinity', 'affinity', 24, 16, affinityEntries),
    weigh(node, {
      name: 'cilium_lb_affinity_match',
      group: 'affinity',
      type: 'hash',
      keySize: 8,
      valueSize: 1,
      maxEntries: affinityEntries,
      flags: preallocate ? 0 : BPF_F_NO_PREALLOC,
      sizedBy: 'default'
    })
  ]
}

type Described = Pick<ConnectionMap, 'name' | 'group' | 'type' | 'keySize' | 'valueSize' | 'maxEntries' | 'sizedBy'> & { readonly flags: number }

function weigh (node: NodeKernel, { flags, ...map }: Described): ConnectionMap {
  const { type, keySize, valueSize, maxEntries } = map
  const shape: MapShape = { type, keySize, valueSize, maxEntries, flags, possibleCpus: node.possibleCpus }
  const bytes = shapeBytes(node, shape)
  return {
    ...map,
    ...bytes,
    from: 'computed',
    byKernel: byKernel(node, shape, bytes.memlockBytes, 'computed'),
    perCpuBytes: perCpuBytes(areasOf(node, shape))
  }
}
