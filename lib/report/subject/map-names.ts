// Which of Cilium's maps a map is. Kernels keep 15 characters of a name, so that is what is compared.

import { mapNames } from '../../datapath/index.ts'
import type { ReportMap } from './source.ts'

const kernelNameLength = 15

export type MapRole = keyof typeof mapNames

export const nameOf = (map: Pick<ReportMap, 'name' | 'fullName'>): string => map.fullName ?? map.name

export function isMap (map: Pick<ReportMap, 'name'>, role: MapRole, family: 4 | 6): boolean {
  return map.name.slice(0, kernelNameLength) === mapNames[role][family].slice(0, kernelNameLength)
}

export function isServiceMap (map: Pick<ReportMap, 'name'>): boolean {
  return (Object.keys(mapNames) as MapRole[]).some((role) => isMap(map, role, 4) || isMap(map, role, 6))
}
