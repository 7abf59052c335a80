// Which of Cilium's maps a map is. Kernels keep 15 characters of a name, so that is what is compared.

import { affinityMatchMapName, mapNames } from '../../datapath/index.ts'
import type { ReportMap } from './source.ts'

const kernelNameLength = 15

export type MapRole = keyof typeof mapNames

export const nameOf = (map: Pick<ReportMap, 'name' | 'fullName'>): string => map.fullName ?? map.name

export function isMap (map: Pick<ReportMap, 'name'>, role: MapRole, family: 4 | 6): boolean {
  return map.name.slice(0, kernelNameLength) === mapNames[role][family].slice(0, kernelNameLength)
}

const lbMaps = ['services', 'backends', 'reverseNat', 'maglev', 'sourceRange', 'affinity'] as const satisfies readonly MapRole[]

/** Those that bpf-lb-map-max sizes, unless an option of their own does. */
export function isServiceMap (map: Pick<ReportMap, 'name'>): boolean {
  return lbMaps.some((role) => isMap(map, role, 4) || isMap(map, role, 6)) ||
    map.name.slice(0, kernelNameLength) === affinityMatchMapName.slice(0, kernelNameLength)
}
