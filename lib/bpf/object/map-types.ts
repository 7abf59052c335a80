// Map types by their number in bpf(2).

import { mapTypeNumbers } from '../profile/names.ts'
import type { MapTypeName } from '../profile/names.ts'

const names = new Map(Object.entries(mapTypeNumbers).map(([name, number]) => [number as number, name as MapTypeName]))

export function mapTypeOf (number: number): MapTypeName | undefined {
  return names.get(number)
}

export function isOuterMap (type: MapTypeName): boolean {
  return type === 'array_of_maps' || type === 'hash_of_maps'
}
