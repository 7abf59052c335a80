// Plans -> maps, on all nodes or on none: every plan is made before the first write, and when a write fails after all (no memory left) what
// was written is taken back in reverse order.

import { buildTable } from '../maglev/index.ts'
import type { Table } from '../maglev/index.ts'
import type { Errno, Result } from '../bpf/profile/errno.ts'
import { done, refuse } from './errors.ts'
import type { LbResult } from './errors.ts'
import type { DesiredChange, LbNode, NodePlan } from './node.ts'
import type { LbMaps, MapPort } from './ports.ts'
import type { TableSizeChange } from './realised.ts'
import { complete } from './steps.ts'
import type { Steps } from './steps.ts'
import { ciliumMapName, sameTableBackends } from './write-set.ts'
import type { EntryWrite, MapWrite, PlannedWrite, TableContents, TableWrite } from './write-set.ts'

export interface NodeTarget {
  readonly node: LbNode
  readonly maps: LbMaps
}

export interface AppliedNode {
  readonly node: string
  /** map writes that the change took */
  readonly writes: number
  /** tables built */
  readonly tables: number
  readonly sizeChanges: readonly TableSizeChange[]
}

/** What has been written of a plan, and what it takes to bring the maps back to before. */
interface Written {
  readonly plan: NodePlan
  readonly maps: LbMaps
  /** the first so many writes */
  done: number
  /** values of entries that were replaced or removed, by the position of the write */
  readonly before: Map<number, Uint8Array>
  readonly build: (contents: TableContents) => Table
}

/** Realises a change on all nodes; the caller commits the draft of the desired state when this succeeds, and drops it when not. */
export function realiseChange (change: DesiredChange, targets: readonly NodeTarget[]): LbResult<AppliedNode[]> {
  return complete(realiseSteps(change, targets))
}

/** The same in steps. Packets that are looked up in between see some maps as they were and some as they will be, as on a machine. */
export function * realiseSteps (change: DesiredChange, targets: readonly NodeTarget[]): Steps<LbResult<AppliedNode[]>> {
  const plans: { plan: NodePlan, maps: LbMaps }[] = []
  for (const { node, maps } of targets) {
    const plan = yield * node.planSteps(change)
    if (!plan.ok) {
      for (const made of plans) made.plan.drop()
      return plan
    }
    plans.push({ plan: plan.value, maps })
  }
  const written: Written[] = []
  for (const { plan, maps } of plans) {
    const now: Written = { plan, maps, done: 0, before: new Map(), build: tableBuilder(plan.node) }
    written.push(now)
    const failed = yield * writePlan(now)
    if (failed === null) continue
    takeBack(written)
    for (const made of plans) made.plan.drop()
    return failed
  }
  for (const { plan } of plans) plan.commit()
  return done(plans.map(({ plan }) => ({
    node: plan.node.settings.name,
    writes: plan.writes.length,
    tables: plan.writes.filter(({ write }) => write.map === 'maglev' && write.table !== null).length,
    sizeChanges: plan.sizeChanges
  })))
}

/** some 2 ms of entries; a table takes as long by itself */
const WRITES_PER_STEP = 500

function * writePlan (written: Written): Steps<ReturnType<typeof refuse> | null> {
  const { plan, maps, build } = written
  for (const [index, { write, existed }] of plan.writes.entries()) {
    if (write.map === 'maglev' || index % WRITES_PER_STEP === 0) yield
    const result = write.map === 'maglev' ? putTable(write, write.table, maps, build) : writeEntry(write, existed, written, index)
    if (!result.ok) return refuseWrite(plan.node, write, result.error)
    written.done++
  }
  return null
}

function writeEntry (write: EntryWrite, existed: boolean, { maps, before }: Written, index: number): Result<void> {
  const map = entryMap(maps, write)
  const key = write.key()
  if (existed) {
    const found = map.lookup(key)
    if (!found.ok) return found
    before.set(index, found.value)
  }
  return write.removes ? map.delete(key) : map.update(key, write.value())
}

function entryMap (maps: LbMaps, { map, family }: EntryWrite): MapPort {
  return map === 'affinityMatch' ? maps.affinityMatch : maps[map][family]
}

/** @param contents null: no table */
function putTable (
  { family, revNatId }: TableWrite, contents: TableContents | null, maps: LbMaps, build: (contents: TableContents) => Table
): Result<void> {
  const tables = maps.maglev[family]
  if (contents === null) return tables.delete(revNatId)
  const created = tables.create(build(contents).ids)
  if (!created.ok) return created
  // Whoever reads meanwhile sees the old table or the new one; the outer map's reference keeps it from here on.
  const result = tables.set(revNatId, created.value)
  created.value.release()
  return result
}

/** Frontends of one service often share their backends: their table is built once. */
function tableBuilder (node: LbNode): (contents: TableContents) => Table {
  let last: { contents: TableContents, table: Table } | null = null
  // Maps copy what they get: one array is enough for all tables of a size.
  let room = new Int32Array(0)
  return contents => {
    if (last?.contents.m === contents.m && sameTableBackends(last.contents.backends, contents.backends)) return last.table
    if (room.length !== contents.m) room = new Int32Array(contents.m)
    const table = buildTable(contents.m, contents.backends, node.seed, node.settings.release, room)
    if (table === null) throw new Error('a table without backends was planned')
    last = { contents, table }
    return table
  }
}

function takeBack (written: readonly Written[]): void {
  for (const { plan, maps, done, before, build } of [...written].reverse()) {
    for (let index = done - 1; index >= 0; index--) {
      const { write } = plan.writes[index] as PlannedWrite
      const result = write.map === 'maglev' ? putTable(write, write.before, maps, build) : takeBackEntry(write, before.get(index), maps)
      if (!result.ok) throw new Error(`a failed change could not be taken back: ${result.error.message}`)
    }
  }
}

function takeBackEntry (write: EntryWrite, before: Uint8Array | undefined, maps: LbMaps): Result<void> {
  const map = entryMap(maps, write)
  return before === undefined ? map.delete(write.key()) : map.update(write.key(), before)
}

function refuseWrite (node: LbNode, write: MapWrite, error: Errno): ReturnType<typeof refuse> {
  const map = ciliumMapName(write.map, write.family)
  const code = error.name === 'E2BIG' ? 'MAP_FULL' : 'OUT_OF_MEMORY'
  return refuse(code, `node ${node.settings.name}: ${map}: ${error.name}: ${error.message}`, {
    facts: { node: node.settings.name, map, errno: error.name }
  })
}
