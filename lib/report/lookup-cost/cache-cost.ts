// Cache lines and misses of lookups: the accesses of real executions, at the emulated addresses, put through a model of caches.

import { parseAddress } from '../../packet/index.ts'
import { createTrafficGenerator } from '../../traffic/index.ts'
import type { TrafficGenerator } from '../../traffic/index.ts'
import type { ReportPopulation, ReportSteps } from '../context.ts'
import { createCacheModel } from './cache-model.ts'
import type { CacheLevel, CacheModel } from './cache-model.ts'

export interface CacheCost {
  /** services that the node was made with for this, and how many it stands for */
  readonly services: { readonly made: number, readonly of: number }
  /** lookups before the counting began */
  readonly warmUpLookups: number
  /** lookups that were counted, each of a new flow */
  readonly lookups: number
  /** accesses of all of them, those inside map functions included */
  readonly accesses: number
  readonly levels: ReadonlyArray<{ readonly name: string, readonly asked: number, readonly missed: number }>
}

/** distinct lines that one packet touches: all of them, and those in maps */
export interface TouchedLines {
  readonly total: number
  readonly maps: number
}

const BLOCK = 4096
/** warm: the last level is full, or not even so many lookups of a hundred bring a line that it has not held yet */
const NEW_LINES_PER_HUNDRED = 5
const WARM_UP_BLOCKS_MAX = 256

/** @param lookups to be counted */
export function * cacheCost (
  population: ReportPopulation, levels: readonly CacheLevel[], lookups: number, seed: number
): ReportSteps<CacheCost | null> {
  const generator = flowsTo(population, seed)
  if (generator === null) return null
  const model = createCacheModel(levels)
  const total = lookups + WARM_UP_BLOCKS_MAX * BLOCK
  let warmUpLookups = 0
  for (let block = 0, cold = true; cold && block < WARM_UP_BLOCKS_MAX; block++) {
    const before = linesOfLast(model)
    runBlock(population, generator, model, BLOCK)
    warmUpLookups += BLOCK
    cold = linesOfLast(model) - before > BLOCK * NEW_LINES_PER_HUNDRED / 100
    yield { done: warmUpLookups, total, unit: 'lookups' }
  }
  model.reset()
  let accesses = 0
  for (let done = 0; done < lookups; done += BLOCK) {
    accesses += runBlock(population, generator, model, Math.min(BLOCK, lookups - done))
    yield { done: total - lookups + done, total, unit: 'lookups' }
  }
  const counts = model.counts()
  return {
    services: population.services,
    warmUpLookups,
    lookups,
    accesses,
    levels: levels.map(({ name }, index) => ({ name, asked: counts[index]?.asked ?? 0, missed: counts[index]?.missed ?? 0 }))
  }
}

/** @returns a visitor of one packet's accesses, and what it found */
export function lineCounter (lineBytes: number): { visit (address: number, bytes: number, inMaps: boolean): void, take (): TouchedLines } {
  const lines = new Map<number, boolean>()
  return {
    visit (address, bytes, inMaps) {
      for (let line = Math.floor(address / lineBytes); line * lineBytes < address + bytes; line++) lines.set(line, inMaps)
    },
    take () {
      const touched = { total: lines.size, maps: [...lines.values()].filter((inMaps) => inMaps).length }
      lines.clear()
      return touched
    }
  }
}

function runBlock ({ watched }: ReportPopulation, generator: TrafficGenerator, model: CacheModel, lookups: number): number {
  let accesses = 0
  watched.run(lookups, (into, at) => generator.next(into, at), (address, bytes) => {
    accesses++
    model.access(address, bytes)
  })
  return accesses
}

const linesOfLast = (model: CacheModel): number => model.counts().at(-1)?.lines ?? 0

/** Every lookup is of another flow, to any of the frontends: what new connections are. */
function flowsTo ({ frontends }: ReportPopulation, seed: number): TrafficGenerator | null {
  const targets = frontends.flatMap(({ address, port, protocol, table }) => {
    const bytes = parseAddress(address)
    return table === null || protocol === 'SCTP' || bytes === null ? [] : [{ address: bytes as Uint8Array, port, protocol }]
  })
  return targets.length === 0 ? null : createTrafficGenerator({ seed, targets })
}
