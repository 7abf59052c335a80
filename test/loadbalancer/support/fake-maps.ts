// The load balancer's maps without a kernel: what the ports ask for, over plain maps, with a limit on writes to try failures.

import { failure, success } from '../../../lib/bpf/profile/errno.ts'
import type { Result } from '../../../lib/bpf/profile/errno.ts'
import type { LbMaps, MapPort, MapSizes, PerFamily, TableMap, TablesPort } from '../../../lib/loadbalancer/index.ts'

export interface FakeMaps extends LbMaps {
  /** how many more writes succeed; then ENOMEM, once, and everything succeeds again */
  failAfter: number
}

export function fakeMaps (sizes: MapSizes): FakeMaps {
  const budget = { failAfter: Infinity }
  const spend = (): Result<void> => {
    if (budget.failAfter-- > 0) return success(undefined)
    budget.failAfter = Infinity
    return failure('ENOMEM', 'out of memory, as the test wants it')
  }
  const both = <T>(make: () => T): PerFamily<T> => ({ 4: make(), 6: make() })
  return {
    services: both(() => fakeMap(sizes.services, spend)),
    backends: both(() => fakeMap(sizes.backends, spend)),
    revNat: both(() => fakeMap(sizes.revNat, spend)),
    maglev: both(() => fakeTables(sizes.maglev, spend)),
    affinityMatch: fakeMap(sizes.affinity, spend),
    sourceRange: both(() => fakeMap(sizes.sourceRange, spend)),
    get failAfter () { return budget.failAfter },
    set failAfter (writes) { budget.failAfter = writes }
  }
}

const full = failure('E2BIG', 'the map is full')

function fakeMap (maxEntries: number, spend: () => Result<void>): MapPort {
  const entries = new Map<string, Uint8Array>()
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  return {
    lookup: key => {
      const value = entries.get(hex(key))
      return value === undefined ? failure('ENOENT', 'no such key') : success(value.slice())
    },
    update: (key, value) => {
      if (entries.size === maxEntries && !entries.has(hex(key))) return full
      const result = spend()
      if (result.ok) entries.set(hex(key), value.slice())
      return result
    },
    delete: key => {
      const result = spend()
      if (!result.ok) return result
      return entries.delete(hex(key)) ? result : failure('ENOENT', 'no such key')
    },
    * entries () {
      for (const [key, value] of entries) yield [Uint8Array.from(Buffer.from(key, 'hex')), value]
    }
  }
}

function fakeTables (maxEntries: number, spend: () => Result<void>): TablesPort {
  const tables = new Map<number, TableMap>()
  let lastMapId = 0
  return {
    create: ids => {
      const result = spend()
      if (!result.ok) return result
      const copy = ids.slice()
      return success({ mapId: ++lastMapId, m: copy.length, read: () => copy.slice(), retain () {}, release () {} })
    },
    get: id => tables.get(id),
    set: (id, table) => {
      if (tables.size === maxEntries && !tables.has(id)) return full
      const result = spend()
      if (result.ok) tables.set(id, table)
      return result
    },
    delete: id => tables.delete(id) ? success(undefined) : failure('ENOENT', 'no such key'),
    revNatIds: () => tables.keys()
  }
}
