// What the disruption report is asked: which changes, of what size, how many trials.

import { isSupportedTableSize, supportedTableSizes } from '../../maglev/index.ts'
import { ReportRefusal } from '../context.ts'

const changeNames = ['remove', 'drain', 'add', 'weight', 'at-once', 'rolling-restart', 'table-size'] as const
export type ChangeName = typeof changeNames[number]

export interface DisruptionOptions {
  /** of everything that is drawn; 1 unless said */
  readonly seed?: number
  /** for each class of services and each change; by M unless said, see trialsOf */
  readonly trials?: number
  /** names of changes with commas; all unless said */
  readonly changes?: string
  /** how many backends fail at once: numbers or percent of them, with commas; `2,10%` unless said */
  readonly atOnce?: string
  /** by what the weight of one backend is multiplied, with commas; `0.5,2,0` unless said */
  readonly weightFactors?: string
  /** of a rolling restart, a number or percent as in a Kubernetes Deployment; its defaults of 25% unless said */
  readonly maxSurge?: string
  readonly maxUnavailable?: string
  /** M that nodes of one M for all are given in its place; the next larger one unless said */
  readonly tableSize?: number
  /** of a mix: `drawn` anew for every trial unless said; `sequential`: one service at 10.0.0.0, 10.0.0.1, ... */
  readonly addresses?: 'sequential' | 'drawn'
}

export interface Amount {
  /** as asked */
  readonly text: string
  /** of N backends */
  of (backends: number, round: 'up' | 'down'): number
}

export interface DisruptionPlan {
  readonly seed: number
  /** null: as many as trialsOf says */
  readonly trials: number | null
  readonly changes: ReadonlySet<ChangeName>
  readonly atOnce: readonly Amount[]
  readonly weightFactors: readonly number[]
  readonly maxSurge: Amount
  readonly maxUnavailable: Amount
  readonly tableSize: number | null
  readonly addresses: 'sequential' | 'drawn'
}

/** most entries of a list */
const listLength = 16

/** @throws ReportRefusal with the place of what cannot be */
export function planOf (options: DisruptionOptions): DisruptionPlan {
  const { tableSize = null, maxSurge = '25%', maxUnavailable = '25%' } = options
  if (tableSize !== null && !isSupportedTableSize(tableSize)) {
    throw new ReportRefusal('/tableSize', `${tableSize} is no table size; there are ${supportedTableSizes.join(', ')}`)
  }
  if (isNone(maxSurge) && isNone(maxUnavailable)) {
    throw new ReportRefusal('/maxUnavailable', 'may not be 0 when maxSurge is 0 too: no backend could be replaced, and Kubernetes refuses it')
  }
  return {
    seed: options.seed ?? 1,
    trials: options.trials ?? null,
    changes: new Set(options.changes === undefined ? changeNames : listOf('/changes', options.changes, changeOf)),
    atOnce: listOf('/atOnce', options.atOnce ?? '2,10%', amountOf),
    weightFactors: listOf('/weightFactors', options.weightFactors ?? '0.5,2,0', factorOf),
    maxSurge: amountAt('/maxSurge', maxSurge),
    maxUnavailable: amountAt('/maxUnavailable', maxUnavailable),
    tableSize,
    addresses: options.addresses ?? 'drawn'
  }
}

/** slots of all tables of a class before the change */
const slotsTried = 200 * 1021
const [fewestTrials, mostTrials] = [5, 200]

/**
 * Trials of a class whose tables have M slots. Unless a number was asked for, as many as make about the same work for every M: small tables
 * differ much from service to service and are quickly made, large ones neither. The same in every report that asks what moves.
 */
export const trialsOf = ({ trials }: Pick<DisruptionPlan, 'trials'>, m: number): number =>
  trials ?? Math.min(mostTrials, Math.max(fewestTrials, Math.floor(slotsTried / m)))

function listOf<T> (pointer: string, text: string, read: (pointer: string, word: string) => T): T[] {
  const words = text.split(',').map((word) => word.trim())
  if (words.length > listLength) throw new ReportRefusal(pointer, `a list of at most ${listLength}, this one has ${words.length}`)
  return words.map((word) => read(pointer, word))
}

function changeOf (pointer: string, word: string): ChangeName {
  const name = changeNames.find((known) => known === word)
  if (name === undefined) throw new ReportRefusal(pointer, `"${word.slice(0, 40)}" is no change; there are ${changeNames.join(', ')}`)
  return name
}

function amountOf (pointer: string, word: string): Amount {
  const amount = amountAt(pointer, word)
  if (isNone(word)) throw new ReportRefusal(pointer, 'at least one backend fails')
  return amount
}

const isNone = (word: string): boolean => /^0+%?$/.test(word)

function amountAt (pointer: string, word: string): Amount {
  const match = /^(\d{1,5})(%?)$/.exec(word)
  const value = Number(match?.[1])
  if (match === null || (match[2] === '%' && value > 100)) {
    throw new ReportRefusal(pointer, `"${word.slice(0, 40)}" is neither a number of backends, as in 2, nor a share of them, as in 25%`)
  }
  if (match[2] === '') return { text: word, of: (backends) => Math.min(backends, value) }
  return { text: word, of: (backends, round) => round === 'up' ? Math.ceil(backends * value / 100) : Math.floor(backends * value / 100) }
}

function factorOf (pointer: string, word: string): number {
  const value = /^\d{1,5}(\.\d{1,4})?$/.test(word) ? Number(word) : NaN
  if (!(value <= 65535)) throw new ReportRefusal(pointer, `"${word.slice(0, 40)}" is no factor of a weight, as 0.5 is`)
  return value
}
