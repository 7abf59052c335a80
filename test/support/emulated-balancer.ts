// The balancer on an emulated kernel of its own, in any layout, without an agent: whoever asks fills the maps.

import { decodeRevNatId, encodeU32, reasons } from '../../lib/datapath/index.ts'
import type { DatapathLayout, LoadTimeConstants } from '../../lib/datapath/index.ts'
import { defaultSettings, kernelLbMaps, oneTableSizeForAll } from '../../lib/loadbalancer/index.ts'
import type { NodeSettings } from '../../lib/loadbalancer/index.ts'
import { createDatapath } from '../../lib/sim/datapath.ts'
import type { Datapath } from '../../lib/sim/datapath.ts'
import { testAssets } from './assets.ts'
import type { SceneMaps } from './balancer-scenes.ts'

/** Packets counted so far on CPU 0, by index of the reason. */
export function outcomeCounts ({ metrics }: Pick<Datapath, 'metrics'>): number[] {
  return reasons.map(({ index }) => {
    const values = metrics().lookup(encodeU32(index))
    return values.ok ? new DataView(values.value.buffer, values.value.byteOffset).getUint32(0, true) : 0
  })
}

/** @returns what bpf_get_prandom_u32 gives first after seedRandom */
export function firstRandom (seed: number): number {
  let state = seed
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return state >>> 0
}

/** places of the flat array: more than any world has services */
export const flatServices = 64

/** @param m of layouts with one table size for all */
export function emulateBalancer (
  layout: DatapathLayout, m: number, more: Partial<NodeSettings> = {}, constants: Partial<LoadTimeConstants> = {}
): { datapath: Datapath, maps: SceneMaps } {
  const settings: NodeSettings = {
    ...defaultSettings('twin'),
    layout,
    tableSizePolicy: oneTableSizeForAll(layout) ? { fixed: m } : { perService: { perBackend: 100 } },
    ...(layout === 'flat' ? { mapSizes: { ...defaultSettings('twin').mapSizes, maglev: flatServices } } : {}),
    conntrack: constants.conntrack === 1,
    ...more
  }
  const datapath = createDatapath(testAssets(), settings, () => 7, { constants })
  const { maglev } = kernelLbMaps(datapath.kernel, datapath.map, settings)
  return {
    datapath,
    maps: {
      update (map, key, value) {
        const updated = datapath.map(map).update(key, value)
        if (!updated.ok) throw new Error(`${map}: ${updated.error.message}`)
      },
      remove (map, key) {
        const removed = datapath.map(map).delete(key)
        if (!removed.ok && removed.error.name !== 'ENOENT') throw new Error(`${map}: ${removed.error.message}`)
      },
      setTable (map, key, ids) {
        const tables = map.includes('lb4') ? maglev[4] : maglev[6]
        const table = tables.create(ids)
        if (!table.ok) throw new Error(table.error.message)
        const set = tables.set(decodeRevNatId(key), table.value)
        if (!set.ok) throw new Error(set.error.message)
        table.value.release()
      }
    }
  }
}
