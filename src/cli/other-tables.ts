// Tables as other balancers build them from the same backends.

import {
  envoyTable, envoyTableSize, hostPort, isPrime, katranEntry, katranHash, katranRing, katranRingSize, parseAddress
} from '../../lib/maglev/index.ts'
import type { Table, TableBackend } from '../../lib/maglev/index.ts'
import { BadInput } from './failures.ts'

export const otherBalancers = ['katran-v1', 'katran-v2', 'envoy'] as const

export type OtherBalancer = typeof otherBalancers[number]

/** @param m a prime; what that balancer has unless said */
export function buildOtherTable (balancer: OtherBalancer, backends: readonly TableBackend[], m?: number): Table {
  const size = m ?? (balancer === 'envoy' ? envoyTableSize : katranRingSize)
  if (!isPrime(size)) throw new BadInput(`--m takes a prime, ${size} is none`)
  const ids = Uint32Array.from(balancer === 'envoy' ? ofEnvoy(backends, size) : ofKatran(backends, balancer === 'katran-v1' ? 1 : 2, size))
  const counts = new Map(backends.map(({ id }) => [id, 0]))
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return { m: size, ids, counts }
}

/**
 * Which real Katran gives a client.
 * @param word `SOURCE:PORT,VIPPORT`, with 0 for a VIP of all ports
 */
export function katranFlow (word: string, built: Table): { readonly entry: number, readonly id: number } {
  const [, source = '', sourcePort = '', vipPort = ''] = /^([\d.]+):(\d{1,5}),(\d{1,5})$/.exec(word) ?? []
  const address = parseAddress(source)
  if (address === null || address.family !== 4 || Number(sourcePort) > 65_535 || Number(vipPort) > 65_535) {
    throw new BadInput(`--flow takes SOURCE:PORT,VIPPORT over IPv4, as 192.168.1.1:31337,80, not "${word}"`)
  }
  const entry = katranEntry(address.bytes, Number(sourcePort), Number(vipPort), built.m)
  return { entry, id: built.ids[entry] ?? 0 }
}

/** By the text of address and port, as hosts without a name are keyed there. */
function ofEnvoy (backends: readonly TableBackend[], m: number): number[] {
  const hosts = backends.map(({ address, port, weight }) => ({ key: hostPort(address, port), weight }))
  return Array.from(envoyTable(hosts, m), (index) => backends[index]?.id ?? 0)
}

/** By address alone: a real of Katran has no port. */
function ofKatran (backends: readonly TableBackend[], version: 1 | 2, ringSize: number): number[] {
  const endpoints = backends.map(({ address, weight }, index) => {
    const hash = katranHash(address)
    if (hash === null) throw new BadInput(`${address}: katran's hash of IPv6 addresses is not known here`)
    return { num: index, weight, hash }
  })
  const addresses = new Set(backends.map(({ address }) => address))
  if (addresses.size < backends.length) throw new BadInput('a real of katran is an address: two backends have the same one')
  return Array.from(katranRing(endpoints, version, ringSize), (index) => backends[index]?.id ?? 0)
}
