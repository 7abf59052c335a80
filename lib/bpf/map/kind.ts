// What one kind of map brings: its checks, the room it wants, and how its inner maps are compared.

import type { MapTypeName } from '../profile/index.ts'
import type { Refusal } from './checks.ts'
import type { WeighedType } from './memory.ts'
import type { MapAttr, MapTemplate } from './types.ts'

export interface MapKind {
  readonly name: MapTypeName & WeighedType
  /** number in bpf(2) */
  readonly number: number
  readonly holdsMaps: boolean
  /** values of all CPUs side by side in user space */
  readonly perCpu: boolean
  readonly canLookupAndDelete: boolean
  /** null, or why the map cannot be created */
  check (attr: MapAttr): Refusal
  /** the same, asked after an outer map's template was looked at */
  checkRoom (attr: MapAttr): Refusal
  /** max_entries as the map will show it */
  maxEntries (attr: MapAttr, possibleCpus: number): number
  /** of two maps that are equal in type, sizes and flags: may one stand where the other is the template? */
  sameShape (template: MapTemplate, candidate: MapTemplate): boolean
}
