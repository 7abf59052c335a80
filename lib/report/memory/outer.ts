// What an outer map costs before anybody knows how many services there will be: with its elements allocated from the start or one by one,
// while it is empty, with the services of the subject, and full.

import { isMap } from '../subject/map-names.ts'
import type { ReportMap } from '../subject/source.ts'
import { BPF_F_NO_PREALLOC } from '../../bpf/map/index.ts'
import { shapeBytes, shapeOf } from './map-bytes.ts'
import type { Bytes, NodeKernel } from './map-bytes.ts'
import type { MapGroup } from './groups.ts'

/** memlock never holds the inner maps. All figures are computed; the one of the node's own mode is the map's. */
export interface OuterMap {
  readonly map: string
  readonly family: 4 | 6
  readonly preallocated: boolean
  /** whether the node has it so */
  readonly isNodes: boolean
  /** services the subject has, and the map has room for */
  readonly services: number
  readonly servicesMax: number
  readonly empty: Bytes
  readonly now: Bytes
  readonly full: Bytes
}

/** Empty for layout flat, which has none. */
export function outerMaps (node: NodeKernel, maps: readonly ReportMap[], groups: readonly MapGroup[]): OuterMap[] {
  return ([4, 6] as const).flatMap((family) => {
    const map = maps.find((one) => isMap(one, 'maglev', family) && one.type === 'hash_of_maps')
    if (map === undefined) return []
    const group = groups.find((one) => isMap(one, 'maglev', family))
    const services = group?.entries ?? map.entries
    return [false, true].map((preallocated): OuterMap => {
      const flags = preallocated ? map.flags & ~BPF_F_NO_PREALLOC : map.flags | BPF_F_NO_PREALLOC
      const bytes = (elements: number): Bytes => shapeBytes(node, { ...shapeOf(node, map, elements), flags })
      return {
        map: group?.name ?? map.name,
        family,
        preallocated,
        isNodes: flags === map.flags,
        services,
        servicesMax: map.max_entries,
        empty: bytes(0),
        now: bytes(services),
        full: bytes(map.max_entries)
      }
    })
  })
}
