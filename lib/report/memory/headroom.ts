// How many more services fit, and which map says no. A service is counted as load balancers usually are: one frontend on an address of
// its own, N backends that it shares with nobody.

import { isMap } from '../subject/map-names.ts'
import type { MapRole } from '../subject/map-names.ts'
import type { MapGroup } from './groups.ts'
import type { MemoryRow } from './rows.ts'

export interface Headroom {
  readonly family: 4 | 6
  /** N of each further service */
  readonly backends: number
  /** M of its table */
  readonly m: number
  /** exactly that many fit, one more is refused with MAP_FULL */
  readonly moreServices: number
  /** the map that is full then; `revNAT ids` where the 16 bits of an id end first, which refuses with IDS_EXHAUSTED */
  readonly limitedBy: string
}

/** revNAT ids are 16 bits, both families share them, and Cilium leaves out the first and the last */
const REV_NAT_IDS = 65_534

/** One entry for each class that the subject has. In layout flat an id is a place in the arrays, of which there may be fewer. */
export function headroom (rows: readonly MemoryRow[], groups: readonly MapGroup[], flat: boolean): Headroom[] {
  const idsLeft = Math.max(0, Math.min(REV_NAT_IDS, flat ? places(rows, groups) : REV_NAT_IDS) - sumEntries(groups, 'reverseNat'))
  return rows.map(({ family, backends, m }): Headroom => {
    // the address's wildcard entry, the frontend's own, and one for each backend
    const needs: ReadonlyArray<readonly [MapRole, number]> = [
      ['services', backends + 2], ['backends', backends], ['reverseNat', 1], ['maglev', flat ? 0 : 1]
    ]
    const limits = needs.filter(([, need]) => need > 0).map(([role, need]): readonly [string, number] => {
      const map = groups.find((group) => isMap(group, role, family))
      return [map?.name ?? role, map === undefined ? 0 : Math.max(0, Math.floor(((map.maxEntries ?? 0) - map.entries) / need))]
    })
    // ids are dealt out before entries are counted: with as many of both left they say no
    const [limitedBy, moreServices] = [['revNAT ids', idsLeft] as const, ...limits].reduce((least, one) => one[1] < least[1] ? one : least)
    return { family, backends, m, moreServices, limitedBy }
  })
}

function places (rows: readonly MemoryRow[], groups: readonly MapGroup[]): number {
  const m = rows[0]?.m ?? 1
  return Math.min(...groups.filter((group) => isMap(group, 'maglev', 4) || isMap(group, 'maglev', 6)).map(({ maxEntries }) => (maxEntries ?? 0) / m))
}

function sumEntries (groups: readonly MapGroup[], role: MapRole): number {
  return groups.filter((group) => isMap(group, role, 4) || isMap(group, role, 6)).reduce((sum, { entries }) => sum + entries, 0)
}
