// What a table of that size does when one backend leaves: the price of a smaller M, shown wherever its bytes are shown.
// Tables are built before and after with the real fill, for several backends drawn from a seed.

import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { buildTable, defaultSeed } from '../../maglev/index.ts'
import type { Seed, Table, TableBackend } from '../../maglev/index.ts'

export interface Disruption {
  /** share of all slots whose backend is another one afterwards, mean over the trials */
  readonly movedShare: number
  /** of these the ones that did not belong to the backend that left: flows moved without need */
  readonly collateralShare: number
  readonly collateralShareMax: number
  readonly trials: number
}

export interface DisruptionQuestion {
  readonly m: number
  /** backends before one leaves; their addresses are sequential and their weights equal */
  readonly backends: number
  readonly seed?: Seed
  readonly trials?: number
  /** of the draw of who leaves */
  readonly drawSeed?: number
}

export const defaultTrials = 5

/** @returns null when there is no backend that could leave */
export function disruptionOfOneLeaving (question: DisruptionQuestion): Disruption | null {
  const { m, backends, seed = defaultSeed() } = question
  if (backends === 0) return null
  const all = sequentialBackends(backends)
  const before = buildTable(m, all, seed, '1.17+')
  const leaving = draw(backends, Math.min(question.trials ?? defaultTrials, backends), question.drawSeed ?? 1)
  const trials = leaving.map((index) => {
    const moved = compare(before, buildTable(m, all.filter((_, other) => other !== index), seed, '1.17+'), index + 1)
    return { moved: moved.all / m, collateral: moved.collateral / m }
  })
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  return {
    movedShare: mean(trials.map((trial) => trial.moved)),
    collateralShare: mean(trials.map((trial) => trial.collateral)),
    collateralShareMax: Math.max(...trials.map((trial) => trial.collateral)),
    trials: trials.length
  }
}

/** addresses in sequence, equal weights */
export function sequentialBackends (count: number): TableBackend[] {
  return Array.from({ length: count }, (_, index) => {
    const value = index + 1
    return { id: value, address: `10.0.${value >>> 8}.${value & 0xff}`, port: 80, protocol: 'TCP', weight: 1 }
  })
}

/** @returns `count` different numbers below `below`, the same for the same seed */
function draw (below: number, count: number, seed: number): number[] {
  const random = xoroshiro128plus(seed)
  const drawn = new Set<number>()
  while (drawn.size < count) drawn.add(uniformInt(random, 0, below - 1))
  return [...drawn]
}

/** Without a table afterwards everything has moved, and nothing of it was another's. */
function compare (before: Table | null, after: Table | null, left: number): { all: number, collateral: number } {
  if (before === null || after === null) return { all: before?.m ?? 0, collateral: 0 }
  let all = 0
  let collateral = 0
  before.ids.forEach((id, slot) => {
    if (id === after.ids[slot]) return
    all++
    if (id !== left) collateral++
  })
  return { all, collateral }
}
