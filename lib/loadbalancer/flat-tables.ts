// The tables of a family in one array of services x M elements: that of revNAT id 1 first, then that of 2, and so on. A table is written
// over the one before, so whoever reads meanwhile may see ids of both. No table and a table of zeros are the same.

import type { KernelMap } from '../bpf/map/index.ts'
import { failure, success } from '../bpf/profile/errno.ts'
import type { Kernel } from '../bpf/syscall/index.ts'
import { decodeTable, encodeTable } from './layout.ts'
import type { TableMap, TablesPort } from './ports.ts'

/** bytes of an element of a u32: the kernel rounds it up */
export const FLAT_ELEMENT_BYTES = 8

export function flatTables (kernel: Kernel, array: KernelMap, m: number): TablesPort {
  const services = array.maxEntries / m
  const region = (revNatId: number): Uint8Array => {
    const start = array.address + kernel.profile.structs.bpfArray.value + (revNatId - 1) * m * FLAT_ELEMENT_BYTES
    return new Uint8Array(kernel.core.view().buffer, start, m * FLAT_ELEMENT_BYTES)
  }
  // backend ids are never 0
  const has = (revNatId: number): boolean => revNatId <= services && region(revNatId).subarray(0, 4).some(byte => byte !== 0)
  return {
    create: ids => ids.length === m ? success(tableOf(array, m, () => ids)) : failure('EINVAL', `all tables have ${m} slots, not ${ids.length}`),
    get: revNatId => has(revNatId) ? tableOf(array, m, () => decodeTable('flat', m, region(revNatId))) : undefined,
    set (revNatId, table) {
      if (revNatId > services) return failure('E2BIG', `the array has room for ${services} services, revNAT id ${revNatId} is beyond`)
      region(revNatId).set(encodeTable('flat', table.read()))
      return success(undefined)
    },
    delete (revNatId) {
      if (!has(revNatId)) return failure('ENOENT', `revNAT id ${revNatId} has no table`)
      region(revNatId).fill(0)
      return success(undefined)
    },
    * revNatIds () {
      for (let revNatId = 1; revNatId <= services; revNatId++) if (has(revNatId)) yield revNatId
    }
  }
}

/** @param read gives the ids: those in the array, or of a table that is not in it yet */
function tableOf (array: KernelMap, m: number, read: () => Uint32Array): TableMap {
  return { mapId: array.id, m, read, retain () {}, release () {} }
}
