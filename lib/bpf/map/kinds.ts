// The kinds of map this kernel has.

import type { MapTypeName } from '../profile/index.ts'
import { arrayKind } from './array.ts'
import { arrayOfMapsKind } from './array-of-maps.ts'
import { hashKind } from './hash.ts'
import { hashOfMapsKind } from './hash-of-maps.ts'
import type { MapKind } from './kind.ts'
import { lpmTrieKind } from './lpm-trie.ts'
import { lruHashKind } from './lru-hash.ts'
import { perCpuArrayKind } from './percpu-array.ts'

export const mapKinds: readonly MapKind[] = [
  arrayKind, perCpuArrayKind, arrayOfMapsKind, hashKind, lruHashKind, lpmTrieKind, hashOfMapsKind
]

export function findKind (type: MapTypeName): MapKind | undefined {
  return mapKinds.find((kind) => kind.name === type)
}
