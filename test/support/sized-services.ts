// Services of the sizes at which the compact layout changes its shape, one of each, with tables of one M in every layout; and flows to
// them.

import { encodeBackendValue, encodeRevNatId, encodeServiceKey, encodeServiceValue, encodeU32, frontendWord, mapNames } from '../../lib/datapath/index.ts'
import { buildTable, defaultSeed } from '../../lib/maglev/index.ts'
import { createTrafficGenerator } from '../../lib/traffic/index.ts'
import type { TrafficGenerator } from '../../lib/traffic/index.ts'
import type { WorldMaps } from './balancer-world.ts'

export const sizedTableSize = 131_071
export const serviceSizes = [1, 2, 3, 4, 5, 11, 12, 16, 17, 84, 85, 255, 256, 257, 1625, 1626, 65_535]
/** entries that the largest maps must have: a service's backends each take an entry of the services map, and one of the backends' */
export const sizedMapEntries = 131_072

const addressOf = (index: number): Uint8Array => Uint8Array.of(172, 20, 0, index + 1)
const backendAddress = (id: number): Uint8Array => Uint8Array.of(10, id >>> 16, id >>> 8, id)

let lastId = 0
const services = serviceSizes.map((n, index) => {
  const backends = Array.from({ length: n }, () => {
    const id = ++lastId
    return { id, address: backendAddress(id).join('.'), port: 8443, protocol: 'TCP' as const, weight: 1 }
  })
  const table = buildTable(sizedTableSize, backends, defaultSeed(), '1.17+')?.ids ?? new Uint32Array(sizedTableSize)
  return { address: addressOf(index), revNatId: index + 1, backends, table }
})

export function fillSizedServices (maps: WorldMaps): void {
  for (const { address, revNatId, backends, table } of services) {
    const entry = { count: 0, revNatId, flags: 0, flags2: 0, quarantinedCount: 0 }
    const key = { address, port: 443, protocol: 6, scope: 0 }
    backends.forEach(({ id }, index) => {
      const value = encodeBackendValue({ address: backendAddress(id), port: 8443, protocol: 6, flags: 0, clusterId: 0, zone: 0 })
      maps.update(mapNames.backends[4], encodeU32(id), value)
      maps.update(mapNames.services[4], encodeServiceKey({ ...key, slot: index + 1 }), encodeServiceValue({ ...entry, word: id }))
    })
    const frontend = { ...entry, word: frontendWord(2), count: backends.length }
    maps.update(mapNames.services[4], encodeServiceKey({ ...key, slot: 0 }), encodeServiceValue(frontend))
    maps.setTable(mapNames.maglev[4], encodeRevNatId(revNatId), table)
  }
}

export function sizedServicesTraffic (seed: number): TrafficGenerator {
  return createTrafficGenerator({ seed, targets: services.map(({ address }) => ({ address, port: 443, protocol: 'TCP' as const })) })
}
