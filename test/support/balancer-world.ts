// A small cluster for comparisons, as map contents and as the model's world: services of both families and protocols, each
// with another table size where the layout allows it, and every way in which a lookup can fail. Whoever has the maps, kernel
// or emulator, hands in how to write them.

import {
  encodeBackendValue, encodeReverseNatValue, encodeRevNatId, encodeServiceKey, encodeServiceValue, encodeU32, frontendWord, mapNames
} from '../../lib/datapath/index.ts'
import type { DatapathLayout } from '../../lib/datapath/index.ts'
import { oneTableSizeForAll } from '../../lib/loadbalancer/index.ts'
import { buildTable, defaultSeed } from '../../lib/maglev/index.ts'
import { formatAddress, parseAddress } from '../../lib/packet/index.ts'
import type { ComparisonService } from '../../lib/traffic/index.ts'
import type { ModelBackend, ModelService, ModelWorld } from './balancer-model.ts'

export interface WorldMaps {
  update (map: string, key: Uint8Array, value: Uint8Array): void
  /** makes an inner map that holds the ids, as the layout has it, and puts it into the outer map under the key */
  setTable (map: string, key: Uint8Array, ids: Uint32Array): void
}

export interface World extends ModelWorld {
  /** as the packet mix wants them */
  readonly comparisonServices: readonly ComparisonService[]
}

interface Entry {
  readonly address: string
  readonly port: number
  readonly protocol: 6 | 17
  readonly backends: number
  readonly m: number
  readonly wildcard?: boolean
  readonly fault?: 'no-table' | 'id-zero' | 'backend-missing'
}

const entries: readonly Entry[] = [
  { address: '172.20.0.10', port: 443, protocol: 6, backends: 3, m: 251, wildcard: true },
  { address: '172.20.0.11', port: 53, protocol: 17, backends: 10, m: 1021 },
  { address: '172.20.0.12', port: 80, protocol: 6, backends: 160, m: 16381, wildcard: true },
  { address: '172.20.0.12', port: 80, protocol: 17, backends: 2, m: 4093 },
  { address: 'fd00:20::10', port: 443, protocol: 6, backends: 5, m: 509, wildcard: true },
  { address: 'fd00:20::11', port: 53, protocol: 17, backends: 40, m: 8191 },
  { address: 'fd00:20::12', port: 8443, protocol: 6, backends: 20, m: 2039 },
  { address: '172.20.0.20', port: 80, protocol: 6, backends: 0, m: 251 },
  { address: 'fd00:20::20', port: 80, protocol: 17, backends: 0, m: 251 },
  { address: '172.20.0.30', port: 80, protocol: 6, backends: 1, m: 251, fault: 'no-table' },
  { address: 'fd00:20::30', port: 80, protocol: 6, backends: 1, m: 251, fault: 'no-table' },
  { address: '172.20.0.31', port: 80, protocol: 17, backends: 1, m: 251, fault: 'id-zero' },
  { address: 'fd00:20::31', port: 80, protocol: 6, backends: 1, m: 251, fault: 'id-zero' },
  { address: '172.20.0.32', port: 80, protocol: 6, backends: 1, m: 251, fault: 'backend-missing' },
  { address: 'fd00:20::32', port: 80, protocol: 17, backends: 1, m: 251, fault: 'backend-missing' }
]

const MISSING_BACKEND = 60_000

/** @param m of layouts which have one table size for all; in others each service has its own */
export function worldOf (layout: DatapathLayout, m: number): World {
  // a flat array has no other sign for "no table" than zeros
  return createWorld(oneTableSizeForAll(layout) ? m : undefined, layout === 'flat')
}

/**
 * @param m one table size for all, else each service has its own
 * @param zeros services without a table have one of zeros
 */
export function createWorld (m?: number, zeros = false): World {
  const { jhash4, jhash6 } = defaultSeed()
  const backends: ModelBackend[] = []
  const services = entries.map((entry, index) => createService(entry, m ?? entry.m, index + 1, backends, zeros))
  const served = services.filter((_, index) => entries[index]?.fault === undefined)
  return {
    hashInit4Seed: jhash4,
    hashInit6Seed: jhash6,
    services,
    backends,
    wildcards: entries.filter(({ wildcard }) => wildcard === true).map(({ address }) => bytesOf(address)),
    comparisonServices: served.map(({ address, port, protocol, count }) =>
      ({ address, port, protocol: protocol === 6 ? 'TCP' : 'UDP', empty: count === 0 }))
  }
}

/** the services which `comparisonServices` leaves out: their maps are broken in one place each */
export function brokenServices (world: World): readonly ModelService[] {
  return world.services.filter((_, index) => entries[index]?.fault !== undefined)
}

export function fillMaps (world: World, maps: WorldMaps): void {
  for (const backend of world.backends) {
    const value = encodeBackendValue({ ...backend, protocol: 6, flags: 0, clusterId: 0, zone: 0 })
    maps.update(mapNames.backends[familyOf(backend.address)], encodeU32(backend.id), value)
  }
  for (const { address, port, protocol, revNatId, count, table } of world.services) {
    const family = familyOf(address)
    const value = encodeServiceValue({ word: frontendWord(2), count, revNatId, flags: 0x60, flags2: 0, quarantinedCount: 0 })
    maps.update(mapNames.services[family], encodeServiceKey({ address, port, slot: 0, protocol, scope: 0 }), value)
    maps.update(mapNames.reverseNat[family], encodeRevNatId(revNatId), encodeReverseNatValue({ address, port }))
    if (table !== null) maps.setTable(mapNames.maglev[family], encodeRevNatId(revNatId), table)
  }
  for (const address of world.wildcards) {
    const value = encodeServiceValue({ word: 0, count: 0, revNatId: 0, flags: 0, flags2: 0, quarantinedCount: 0 })
    maps.update(mapNames.services[familyOf(address)], encodeServiceKey({ address, port: 0, slot: 0, protocol: 0, scope: 0 }), value)
  }
}

function createService (entry: Entry, m: number, revNatId: number, backends: ModelBackend[], zeros: boolean): ModelService {
  const { port, protocol, backends: count, fault } = entry
  const address = bytesOf(entry.address)
  const own = Array.from({ length: count }, (_, index) => createBackend(familyOf(address), revNatId, index, backends.length + 1 + index))
  if (fault === undefined) backends.push(...own)
  return { address, port, protocol, revNatId, count, table: tableOf(fault === 'no-table' && zeros ? 'id-zero' : fault, own, m) }
}

function createBackend (family: 4 | 6, revNatId: number, index: number, id: number): ModelBackend {
  const address = family === 4 ? `10.1.${revNatId}.${index + 1}` : `fd00:10:${revNatId}::${(index + 1).toString(16)}`
  return { id, address: bytesOf(address), port: 8000 + index }
}

function tableOf (fault: Entry['fault'], backends: readonly ModelBackend[], m: number): Uint32Array | null {
  if (fault === 'no-table') return null
  if (fault !== undefined) return new Uint32Array(m).fill(fault === 'id-zero' ? 0 : MISSING_BACKEND)
  const keyed = backends.map(({ id, address, port }) => ({ id, address: formatAddress(address), port, protocol: 'TCP' as const, weight: 1 }))
  return buildTable(m, keyed, defaultSeed(), '1.17+')?.ids ?? null
}

export function bytesOf (text: string): Uint8Array {
  const address = parseAddress(text)
  if (address === null) throw new RangeError(text)
  return address
}

export function familyOf (address: Uint8Array): 4 | 6 {
  return address.length === 4 ? 4 : 6
}
