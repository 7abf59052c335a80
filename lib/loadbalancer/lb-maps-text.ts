// The load balancer's maps of a node as text, read back from the bytes in them, in the form of Cilium's own tests: one line per entry (AFF,
// BE, MAGLEV, REV, SRCRANGE, SVC), sorted bytewise.

import {
  algorithmNumbers, backendStateNumbers, decodeAffinityMatchKey, decodeBackendValue, decodeReverseNatValue, decodeRevNatId,
  decodeServiceKey, decodeServiceValue, decodeSourceRangeKey, decodeU32, protocolNumbers, scopeNumbers, serviceFlags2,
  splitFrontendWord, splitProxyPortWord
} from '../datapath/index.ts'
import { addressFromBytes } from '../maglev/index.ts'
import { cidrText } from './cidr.ts'
import { flagsText } from './flags.ts'
import type { LbMaps } from './ports.ts'
import { hostPortText } from './service.ts'
import { families } from './write-set.ts'

/** lines end in a newline; '' for empty maps */
export function lbMapsText (maps: LbMaps): string {
  const counter = new SlotCounter()
  const lines = Array.from(maps.affinityMatch.entries(), ([key]) => affinityLine(key)).concat(families.flatMap(family => [
    ...Array.from(maps.sourceRange[family].entries(), ([key]) => sourceRangeLine(key)),
    ...Array.from(maps.backends[family].entries(), ([key, value]) => backendLine(key, value)),
    ...Array.from(maps.revNat[family].entries(), ([key, value]) => revNatLine(key, value)),
    ...Array.from(maps.services[family].entries(), ([key, value]) => serviceLine(key, value)),
    ...Array.from(maps.maglev[family].revNatIds(), id => tableLine(id, maps.maglev[family].get(id)?.read() ?? new Uint32Array(), counter))
  ]))
  // The lines are ASCII: UTF-16 order is byte order.
  return lines.sort().map(line => `${line}\n`).join('')
}

function backendLine (key: Uint8Array, value: Uint8Array): string {
  const { address, port, protocol, flags } = decodeBackendValue(value)
  return `BE: ID=${decodeU32(key)} ADDR=${addressText(address, port, protocol, 0)} STATE=${nameOf(backendStateNumbers, flags)}`
}

function revNatLine (key: Uint8Array, value: Uint8Array): string {
  const { address, port } = decodeReverseNatValue(value)
  return `REV: ID=${decodeRevNatId(key)} ADDR=${hostPortText(addressFromBytes(address).text, port)}`
}

function affinityLine (key: Uint8Array): string {
  const { backendId, revNatId } = decodeAffinityMatchKey(key)
  return `AFF: ID=${revNatId} BEID=${backendId}`
}

function sourceRangeLine (key: Uint8Array): string {
  const { revNatId, address, bits } = decodeSourceRangeKey(key)
  return `SRCRANGE: ID=${revNatId} CIDR=${cidrText({ address: addressFromBytes(address), bits })}`
}

function serviceLine (keyBytes: Uint8Array, valueBytes: Uint8Array): string {
  const key = decodeServiceKey(keyBytes)
  const value = decodeServiceValue(valueBytes)
  const flags = value.flags | value.flags2 << 8
  return [
    `SVC: ID=${value.revNatId}`,
    `ADDR=${addressText(key.address, key.port, key.protocol, key.scope)}`,
    `SLOT=${key.slot}`,
    key.slot === 0 ? frontendWordText(value.word, value.flags2) : `BEID=${value.word}`,
    `COUNT=${value.count}`,
    `QCOUNT=${value.quarantinedCount}`,
    `FLAGS=${flagsText(flags)}`
  ].join(' ')
}

/** the first word of a frontend: a proxy port of L7 services, else algorithm and affinity timeout */
function frontendWordText (word: number, flags2: number): string {
  if ((flags2 & serviceFlags2.l7LoadBalancer) !== 0) return `L7Proxy=${splitProxyPortWord(word)}`
  const { algorithm, affinityTimeoutSeconds } = splitFrontendWord(word)
  const name = algorithm === algorithmNumbers.undefined ? 'undef' : nameOf(algorithmNumbers, algorithm)
  return `LBALG=${name} AFFTimeout=${affinityTimeoutSeconds}`
}

function tableLine (id: number, ids: Uint32Array, counter: SlotCounter): string {
  const sorted = counter.count(ids).sort(([id, count], [otherId, otherCount]) => otherCount - count || id - otherId)
  return `MAGLEV: ID=${id} INNER=[${sorted.map(([backend, count]) => `${backend}(${count})`).join(', ')}]`
}

/** counts slots in one array that grows with the largest id and is used for all tables: a map would dominate the whole dump */
class SlotCounter {
  #counts = new Uint32Array(1024)

  count (ids: Uint32Array): [id: number, count: number][] {
    const largest = ids.reduce((most, id) => id > most ? id : most, 0)
    if (largest > largestCountedId) return countInMap(ids)
    if (largest >= this.#counts.length) this.#counts = new Uint32Array(2 * largest)
    const counts = this.#counts
    const seen: number[] = []
    for (const id of ids) {
      const before = counts[id] ?? 0
      if (before === 0) seen.push(id)
      counts[id] = before + 1
    }
    return seen.map(id => {
      const count = counts[id] ?? 0
      counts[id] = 0
      return [id, count]
    })
  }
}

const largestCountedId = 1 << 24

function countInMap (ids: Uint32Array): [id: number, count: number][] {
  const counts = new Map<number, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return [...counts]
}

function addressText (address: Uint8Array, port: number, protocol: number, scope: number): string {
  const text = `${hostPortText(addressFromBytes(address).text, port)}/${nameOf(protocolNumbers, protocol)}`
  return scope === scopeNumbers.internal ? `${text}/i` : text
}

function nameOf (numbers: Readonly<Record<string, number>>, number: number): string {
  return Object.keys(numbers).find(name => numbers[name] === number) ?? String(number)
}
