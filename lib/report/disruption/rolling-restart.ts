// A rolling restart as a Kubernetes Deployment does it: every backend is replaced by one with another address, so many at a time, and
// the table follows each time that backends leave or become ready.

import type { Random } from '../../traffic/index.ts'
import type { Amount } from './plan.ts'
import { newcomerOf } from './population.ts'
import type { Scene } from './scene.ts'
import type { Slots } from './tables.ts'

interface RestartEvent {
  /** backends that leave, or new ones that become ready; never both */
  readonly leave: number
  readonly come: number
}

/**
 * The changes of the table, in order. Backends that are being deleted no longer count, new ones are ready at once, and both happen as
 * soon as `maxUnavailable` (rounded down) and `maxSurge` (rounded up) allow it; where both are 0 one backend may be missing, as in a
 * Deployment.
 */
export function restartEvents (backends: number, maxSurge: Amount, maxUnavailable: Amount): RestartEvent[] {
  const surge = maxSurge.of(backends, 'up')
  const rounded = maxUnavailable.of(backends, 'down')
  const unavailable = surge === 0 && rounded === 0 ? 1 : rounded
  const events: RestartEvent[] = []
  let [old, fresh] = [backends, 0]
  while (old > 0 || fresh < backends) {
    const leave = Math.min(old, old + fresh - (backends - unavailable))
    if (leave > 0) events.push({ leave, come: 0 })
    old -= Math.max(0, leave)
    const come = Math.min(backends - fresh, backends + surge - (old + fresh))
    if (come > 0) events.push({ leave: 0, come })
    fresh += Math.max(0, come)
  }
  return events
}

/** Where a restart stands after an event; shares of all flows unless said. */
export interface RestartStep {
  /** backends of before that left, and new ones that came, so far */
  readonly left: number
  readonly came: number
  /** changes of a flow's pick so far, per flow: can be over 1 */
  readonly moved: number
  /** flows whose pick has changed at least once */
  readonly movedOnce: number
  /** flows of before whose backend has left */
  readonly broken: number
}

/**
 * Replaces every backend of a service, in random order. Leaves the pool as it was.
 * @yields after every table
 */
export function * restart (scene: Scene, events: readonly RestartEvent[], random: Random): Generator<undefined, RestartStep[]> {
  const { pool, bench, m } = scene
  const size = pool.size
  const leaving = shuffled(pool.original, random)
  const members = [...pool.original]
  const movedOnce = new Uint8Array(m)
  const steps: RestartStep[] = []
  let [left, came, moves, once, broken] = [0, 0, 0, 0, 0]
  let [current, next] = [bench.spare, bench.after]
  let interrupted = false
  if (scene.before !== null) current.set(scene.before)
  for (const { leave, come } of events) {
    for (const number of leaving.splice(0, leave)) {
      members.splice(members.indexOf(number), 1)
      broken += scene.shareOf(number)
    }
    for (let newcomer = 0; newcomer < come; newcomer++) pool.insert(members, pool.add(newcomerOf(pool, random)))
    left += leave
    came += come
    const table = bench.maker.make(pool, members, next)
    if (table === null) {
      // nobody serves: every flow has lost its backend, and that it gets another one when there is one is the same move
      moves += m
      once = m
      movedOnce.fill(1)
    } else {
      const changed = changedSlots(current, table, movedOnce)
      moves += interrupted ? 0 : changed.moved
      once += changed.first
      ;[current, next] = [table, current]
    }
    interrupted = table === null
    steps.push({ left, came, moved: moves / m, movedOnce: once / m, broken })
    yield
  }
  pool.trim(size)
  return steps
}

/** @param moved slots that have changed before; those that do now are added */
function changedSlots (before: Slots, after: Slots, moved: Uint8Array): { moved: number, first: number } {
  let count = 0
  let first = 0
  for (let slot = 0; slot < before.length; slot++) {
    if (before[slot] === after[slot]) continue
    count++
    if (moved[slot] === 0) {
      moved[slot] = 1
      first++
    }
  }
  return { moved: count, first }
}

/** @returns a random order of the numbers */
export function shuffled (numbers: readonly number[], random: Random): number[] {
  const order = [...numbers]
  for (let last = order.length - 1; last > 0; last--) {
    const other = random.below(last + 1)
    ;[order[last], order[other]] = [order[other] as number, order[last] as number]
  }
  return order
}
