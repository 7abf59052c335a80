// Cache lines and misses of lookups: the accesses of real executions, at the emulated addresses, put through a model of caches.

import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
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
/** some hundred for each service of a thousand: four times as many change the misses of layout `blob` by less than 3 % */
export const WARM_UP_LOOKUPS = 24 * BLOCK
const FILL_STEP_LINES = 32_768

/** @param lookups to be counted */
export function * cacheCost (
  population: ReportPopulation, levels: readonly CacheLevel[], lookups: number, seed: number
): ReportSteps<CacheCost | null> {
  const generator = flowsTo(population, seed)
  if (generator === null) return null
  const model = createCacheModel(levels)
  const total = WARM_UP_LOOKUPS + lookups
  const filling = fillWithMaps(population, model, levels, seed)
  while (filling.next().done !== true) yield { done: 0, total, unit: 'lookups' }
  for (let done = 0; done < WARM_UP_LOOKUPS; done += BLOCK) {
    runBlock(population, generator, model, BLOCK)
    yield { done, total, unit: 'lookups' }
  }
  model.reset()
  let accesses = 0
  for (let done = 0; done < lookups; done += BLOCK) {
    accesses += runBlock(population, generator, model, Math.min(BLOCK, lookups - done))
    yield { done: WARM_UP_LOOKUPS + done, total, unit: 'lookups' }
  }
  const counts = model.counts()
  return {
    services: population.services,
    warmUpLookups: WARM_UP_LOOKUPS,
    lookups,
    accesses,
    levels: levels.map(({ name }, index) => ({ name, asked: counts[index]?.asked ?? 0, missed: counts[index]?.missed ?? 0 }))
  }
}

/**
 * What hundreds of thousands of lookups would leave behind: lines of maps in no order, as many as there are or as the last level keeps.
 * Nearly all of them are lines of tables, where every slot is as likely as another; what is read more often comes in with the warm-up.
 */
function * fillWithMaps (
  { watched }: ReportPopulation, model: CacheModel, levels: readonly CacheLevel[], seed: number
): Generator<undefined> {
  const { sizeBytes, lineBytes } = levels.at(-1) as CacheLevel
  const ranges = watched.mapMemory().map(({ address, bytes }) => {
    const first = Math.floor(address / lineBytes)
    return { first, lines: Math.floor((address + bytes - 1) / lineBytes) - first + 1 }
  })
  const all = ranges.reduce((sum, { lines }) => sum + lines, 0)
  const order = new Uint32Array(all)
  let at = 0
  for (const { first, lines } of ranges) for (let line = 0; line < lines; line++) order[at++] = first + line
  const random = xoroshiro128plus(seed)
  const wanted = Math.min(all, 2 * sizeBytes / lineBytes)
  for (let index = 0; index < wanted; index++) {
    const other = uniformInt(random, index, all - 1)
    const line = order[other] as number
    order[other] = order[index] as number
    model.access(line * lineBytes, 1)
    if (index % FILL_STEP_LINES === FILL_STEP_LINES - 1) yield
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

/** Every lookup is of another flow, to any of the frontends: what new connections are. */
function flowsTo ({ frontends }: ReportPopulation, seed: number): TrafficGenerator | null {
  const targets = frontends.flatMap(({ address, port, protocol, table }) => {
    const bytes = parseAddress(address)
    return table === null || bytes === null ? [] : [{ address: bytes as Uint8Array, port, protocol }]
  })
  return targets.length === 0 ? null : createTrafficGenerator({ seed, targets })
}
