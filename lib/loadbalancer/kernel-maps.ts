// The load balancer's maps on an emulated kernel.

import type { KernelMap } from '../bpf/map/index.ts'
import { failure, success } from '../bpf/profile/errno.ts'
import { NAME_CHARS_MAX } from '../bpf/syscall/index.ts'
import type { Kernel } from '../bpf/syscall/index.ts'
import { affinityMatchMapName, decodeRevNatId, encodeRevNatId, innerMapName, mapNames } from '../datapath/index.ts'
import { hasClusterIds } from '../maglev/index.ts'
import type { Family, Release } from '../maglev/index.ts'
import { flatTables } from './flat-tables.ts'
import { COMPACT_IDS_MAX, distinctIds } from './layout-compact.ts'
import { decodeTable, innerAttributes, putTable } from './layout.ts'
import type { InnerLayout } from './layout.ts'
import type { LbMaps, MapPort, PerFamily, TableMap, TablesPort } from './ports.ts'
import { sharedTableSize } from './settings.ts'
import type { NodeSettings } from './settings.ts'

/** @param map gives a map by its name in the balancer's object */
export function kernelLbMaps (
  kernel: Kernel, map: (name: string) => KernelMap, settings: Pick<NodeSettings, 'layout' | 'tableSizePolicy' | 'spectreMasking' | 'release'>
): LbMaps {
  const { layout } = settings
  const both = (names: PerFamily<string>): PerFamily<KernelMap> => ({ 4: map(names[4]), 6: map(names[6]) })
  const tables = (family: Family): TablesPort => layout === 'flat'
    ? flatTables(kernel, map(mapNames.maglev[family]), sharedTableSize(settings))
    : innerTables(kernel, map(mapNames.maglev[family]), layout, settings)
  return {
    services: both(mapNames.services),
    backends: { 4: backendMap(map(mapNames.backends[4]), settings), 6: backendMap(map(mapNames.backends[6]), settings) },
    revNat: both(mapNames.reverseNat),
    maglev: { 4: tables(4), 6: tables(6) },
    affinityMatch: map(affinityMatchMapName),
    sourceRange: both(mapNames.sourceRange)
  }
}

/** what a backend's last member takes that older releases do not have */
const CLUSTER_BYTES = 4

/** of the program's whole struct, how much a release has */
export function backendBytes (wholeBytes: number, release: Release): number {
  return hasClusterIds(release) ? wholeBytes : wholeBytes - CLUSTER_BYTES
}

/** Values are whole to their users and as long as the release has them in the map. */
function backendMap (map: KernelMap, { release }: Pick<NodeSettings, 'release'>): MapPort {
  if (hasClusterIds(release)) return map
  const whole = (value: Uint8Array): Uint8Array => Uint8Array.of(...value, ...new Uint8Array(CLUSTER_BYTES))
  return {
    lookup (key) {
      const found = map.lookup(key)
      return found.ok ? success(whole(found.value)) : found
    },
    update: (key, value, flags) => map.update(key, value.subarray(0, map.valueSize), flags),
    delete: key => map.delete(key),
    * entries () {
      for (const [key, value] of map.entries()) yield [key, whole(value)]
    }
  }
}

function innerTables (
  kernel: Kernel, outer: KernelMap, layout: InnerLayout, settings: Pick<NodeSettings, 'tableSizePolicy' | 'spectreMasking'>
): TablesPort {
  const sharedM = sharedTableSize(settings)
  const bypassSpecV1 = !settings.spectreMasking
  return {
    create (ids) {
      const n = layout === 'compact' ? distinctIds(ids).length : 0
      if (n > COMPACT_IDS_MAX) return failure('E2BIG', `a compact table holds at most ${COMPACT_IDS_MAX} backends, not ${n}`)
      const attributes = innerAttributes(layout, ids.length, n)
      const descriptor = kernel.mapCreate({ type: 'array', name: innerMapName.slice(0, NAME_CHARS_MAX), ...attributes, bypassSpecV1 })
      if (!descriptor.ok) return descriptor
      const inner = kernel.map(descriptor.value)
      if (!inner.ok) return inner
      const table = new KernelTable(kernel, inner.value, layout, sharedM)
      table.retain()
      kernel.close(descriptor.value)
      table.write(ids)
      return success(table)
    },
    get (revNatId) {
      const inner = outer.innerMap(encodeRevNatId(revNatId))
      return inner === undefined ? undefined : new KernelTable(kernel, inner, layout, sharedM)
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
  readonly #layout: InnerLayout
  readonly #sharedM: number

  constructor (kernel: Kernel, map: KernelMap, layout: InnerLayout, sharedM: number) {
    this.#kernel = kernel
    this.map = map
    this.#layout = layout
    this.#sharedM = sharedM
  }

  get mapId (): number {
    return this.map.id
  }

  get m (): number {
    const { maxEntries, valueSize } = this.map
    switch (this.#layout) {
      case 'fixed': case 'dynamic': return maxEntries
      case 'blob': return valueSize / 4
      case 'packed': return 2 * maxEntries - 1
      case 'compact': return this.#sharedM
    }
  }

  read (): Uint32Array {
    return decodeTable(this.#layout, this.m, this.#elements())
  }

  /** All elements at once, as a batch update does: a system call per slot would cost more than the table itself. */
  write (ids: Uint32Array): void {
    putTable(this.#layout, ids, this.#elements())
  }

  retain (): void {
    this.map.retain()
  }

  release (): void {
    this.map.release()
  }

  #elements (): Uint8Array {
    const { buffer } = this.#kernel.core.view()
    return new Uint8Array(buffer, this.#first, this.map.maxEntries * Math.ceil(this.map.valueSize / 8) * 8)
  }

  get #first (): number {
    return this.map.address + this.#kernel.profile.structs.bpfArray.value
  }
}
