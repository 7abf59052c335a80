// Which backends the services of a class have: the real ones of a cluster; for a mix addresses drawn anew for every trial, or in sequence.
// A table of few backends is a draw by itself, so this decides what an average over trials is an average of.

import { defaultSeed, parseSeed } from '../../maglev/index.ts'
import type { Seed } from '../../maglev/index.ts'
import { createRandom } from '../../traffic/index.ts'
import type { Random } from '../../traffic/index.ts'
import { BackendPool } from './pool.ts'
import type { PoolBackend } from './pool.ts'

export interface Population {
  /** the same for populations of the same backends */
  readonly key: string
  /** N of each service */
  readonly backends: number
  /** how many there are; Infinity where each trial has another one */
  readonly services: number
  /** @param service counts from 0 */
  backendsOf (service: number): readonly PoolBackend[]
}

/** Kubernetes' default, so that halving and doubling one weight has an effect; equal weights give the table of no weights */
const usualWeight = 100
const usualPort = 8080

/** One service with backends 10.0.0.0, 10.0.0.1, ... port 8080, or fd00::, fd00::1, ... */
export function sequentialPopulation (backends: number, family: 4 | 6): Population {
  const all = Array.from({ length: backends }, (_, index) => usualBackend(addressOf(index, family)))
  return { key: `sequential ${family} ${backends}`, backends, services: 1, backendsOf: () => all }
}

/** A service of other addresses in 10.0.0.0/8 or fd00::/96 for every trial. */
export function drawnPopulation (backends: number, family: 4 | 6, seed: number): Population {
  return {
    key: `drawn ${family} ${backends} ${seed}`,
    backends,
    services: Infinity,
    backendsOf (service) {
      const random = createRandom(seed, service + 1)
      const chosen = new Set<number>()
      while (chosen.size < backends) chosen.add(random.below(2 ** 24))
      return Array.from(chosen, (value) => usualBackend(addressOf(value, family)))
    }
  }
}

/** The services of a cluster. */
export function realPopulation (key: string, services: ReadonlyArray<readonly PoolBackend[]>): Population {
  return { key, backends: services[0]?.length ?? 0, services: services.length, backendsOf: (service) => services[service] ?? [] }
}

/** A backend that the service does not have yet: another address of the same kind, port and weight as the others. */
export function newcomerOf (pool: BackendPool, random: Random): PoolBackend {
  const like = pool.backend(0)
  const family = like.address.includes(':') ? 6 : 4
  for (;;) {
    const candidate = { ...like, address: addressOf(random.below(2 ** 24), family), weight: ordinaryWeight(pool) }
    if (pool.lacks(candidate)) return candidate
  }
}

export function poolOf (population: Population, service: number, seed: Seed): BackendPool {
  return new BackendPool(population.backendsOf(service), seed)
}

/** @param nodeSeed as nodes have it, base64 */
export function seedOf (nodeSeed: string): Seed {
  const parsed = parseSeed(nodeSeed)
  return parsed.ok ? parsed.seed : defaultSeed()
}

/** the weight that most of the backends have, the lowest of several: a newcomer is an ordinary one */
function ordinaryWeight (pool: BackendPool): number {
  const times = new Map<number, number>()
  for (const number of pool.original) times.set(pool.weights[number] as number, (times.get(pool.weights[number] as number) ?? 0) + 1)
  return [...times].sort(([weight, count], [otherWeight, otherCount]) => otherCount - count || weight - otherWeight)[0]?.[0] ?? usualWeight
}

const usualBackend = (address: string): PoolBackend => ({ address, port: usualPort, protocol: 'TCP', weight: usualWeight })

/** canonical text of the address at `value` in 10.0.0.0/8 or fd00::/96 */
function addressOf (value: number, family: 4 | 6): string {
  if (family === 4) return `10.${value >>> 16 & 0xff}.${value >>> 8 & 0xff}.${value & 0xff}`
  const [high, low] = [value >>> 16, value & 0xffff]
  return high > 0 ? `fd00::${high.toString(16)}:${low.toString(16)}` : low > 0 ? `fd00::${low.toString(16)}` : 'fd00::'
}
