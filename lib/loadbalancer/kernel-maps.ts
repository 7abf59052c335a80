// The load balancer's maps on an emulated kernel.

import type { KernelMap } from '../bpf/map/index.ts'
import { failure, success } from '../bpf/profile/errno.ts'
import { NAME_CHARS_MAX } from '../bpf/syscall/index.ts'
import type { Kernel } from '../bpf/syscall/index.ts'
import { decodeRevNatId, encodeRevNatId, innerMapName, mapNames } from '../datapath/index.ts'
import type { Family } from '../maglev/index.ts'
import { innerAttributes, slotStride } from './layout.ts'
import type { BuiltLayout } from './layout.ts'
import type { LbMaps, PerFamily, TableMap, TablesPort } from './ports.ts'

/** @param map gives a map by its name in the balancer's object */
export function kernelLbMaps (kernel: Kernel, map: (name: string) => KernelMap, layout: BuiltLayout): LbMaps {
  const both = (names: PerFamily<string>): PerFamily<KernelMap> => ({ 4: map(names[4]), 6: map(names[6]) })
  const tables = (family: Family): TablesPort => kernelTables(kernel, map(mapNames.maglev[family]), layout)
  return {
    services: both(mapNames.services),
    backends: both(mapNames.backends),
    revNat: both(mapNames.reverseNat),
    maglev: { 4: tables(4), 6: tables(6) }
  }
}

function kernelTables (kernel: Kernel, outer: KernelMap, layout: BuiltLayout): TablesPort {
  return {
    create (ids) {
      const attributes = innerAttributes(layout, ids.length)
      const descriptor = kernel.mapCreate({ type: 'array', name: innerMapName.slice(0, NAME_CHARS_MAX), ...attributes })
      if (!descriptor.ok) return descriptor
      const inner = kernel.map(descriptor.value)
      if (!inner.ok) return inner
      const table = new KernelTable(kernel, inner.value, layout)
      table.retain()
      kernel.close(descriptor.value)
      table.write(ids)
      return success(table)
    },
    get (revNatId) {
      const inner = outer.innerMap(encodeRevNatId(revNatId))
      return inner === undefined ? undefined : new KernelTable(kernel, inner, layout)
    },
    set (revNatId, table) {
      if (!(table instanceof KernelTable)) return failure('EINVAL', 'the table is no map of this kernel')
      return outer.updateInner(encodeRevNatId(revNatId), table.map)
    },
    delete: revNatId => outer.delete(encodeRevNatId(revNatId)),
    * revNatIds () {
      for (const [key] of outer.entries()) yield decodeRevNatId(key)
    }
  }
}

class KernelTable implements TableMap {
  readonly map: KernelMap
  readonly #kernel: Kernel
  readonly #stride: number

  constructor (kernel: Kernel, map: KernelMap, layout: BuiltLayout) {
    this.#kernel = kernel
    this.map = map
    this.#stride = slotStride[layout]
  }

  get mapId (): number {
    return this.map.id
  }

  get m (): number {
    return this.map.maxEntries * this.map.valueSize / 4
  }

  read (): Uint32Array {
    const view = this.#kernel.core.view()
    const ids = new Uint32Array(this.m)
    for (let slot = 0, at = this.#first; slot < ids.length; slot++, at += this.#stride) ids[slot] = view.getUint32(at, true)
    return ids
  }

  /** All elements at once, as a batch update does: a system call per slot would cost more than the table itself. */
  write (ids: Uint32Array): void {
    const view = this.#kernel.core.view()
    for (let slot = 0, at = this.#first; slot < ids.length; slot++, at += this.#stride) view.setUint32(at, ids[slot] ?? 0, true)
  }

  retain (): void {
    this.map.retain()
  }

  release (): void {
    this.map.release()
  }

  get #first (): number {
    return this.map.address + this.#kernel.profile.structs.bpfArray.value
  }
}
