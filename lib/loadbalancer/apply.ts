// Plans -> maps, on all nodes or on none: every plan is made before the first write, and when a write fails after all (no memory left) what
// was written is taken back in reverse order.

import { buildTable } from '../maglev/index.ts'
import type { Table } from '../maglev/index.ts'
import type { Errno, Result } from '../bpf/profile/errno.ts'
import { success } from '../bpf/profile/errno.ts'
import { done, refuse } from './errors.ts'
import type { LbResult } from './errors.ts'
import type { DesiredChange, LbNode, NodePlan } from './node.ts'
import type { LbMaps, MapPort } from './ports.ts'
import type { TableSizeChange } from './realised.ts'
import { complete } from './steps.ts'
import type { Steps } from './steps.ts'
import { ciliumMapName, sameTableBackends } from './write-set.ts'
import type { EntryWrite, MapWrite, TableContents } from './write-set.ts'

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

/** what brings a map back to before a write */
type Undo =
  { readonly maps: LbMaps, readonly write: EntryWrite, readonly before: Uint8Array | null } |
  { readonly put: () => Result<void> }

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
  const undos: Undo[] = []
  for (const { plan, maps } of plans) {
    const failed = yield * writePlan(plan, maps, undos)
    if (failed === null) continue
    takeBack(undos)
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

function * writePlan (plan: NodePlan, maps: LbMaps, undos: Undo[]): Steps<ReturnType<typeof refuse> | null> {
  const build = tableBuilder(plan.node)
  for (const [index, { write, existed }] of plan.writes.entries()) {
    if (write.map === 'maglev' || index % WRITES_PER_STEP === 0) yield
    const result = write.map === 'maglev' ? writeTable(write, maps, build, undos) : writeEntry(write, existed, maps, undos)
    if (!result.ok) return refuseWrite(plan.node, write, result.error)
  }
  return null
}

function writeEntry (write: EntryWrite, existed: boolean, maps: LbMaps, undos: Undo[]): Result<void> {
  const map = entryMap(maps, write)
  const key = write.key()
  const before = existed ? map.lookup(key) : null
  if (before?.ok === false) return before
  const result = write.removes ? map.delete(key) : map.update(key, write.value())
  if (result.ok) undos.push({ maps, write, before: before?.value ?? null })
  return result
}

function entryMap (maps: LbMaps, { map, family }: EntryWrite): MapPort {
  return map === 'affinityMatch' ? maps.affinityMatch : maps[map][family]
}

function writeTable (
  write: Extract<MapWrite, { map: 'maglev' }>, maps: LbMaps, build: (contents: TableContents) => Table, undos: Undo[]
): Result<void> {
  const tables = maps.maglev[write.family]
  const put = (contents: TableContents | null): Result<void> => {
    if (contents === null) return tables.delete(write.revNatId)
    const created = tables.create(build(contents).ids)
    if (!created.ok) return created
    // Whoever reads meanwhile sees the old table or the new one; the outer map's reference keeps it from here on.
    const result = tables.set(write.revNatId, created.value)
    created.value.release()
    return result
  }
  const result = put(write.table)
  if (result.ok) undos.push({ put: () => put(write.before) })
  return result.ok ? success(undefined) : result
}

/** Frontends of one service often share their backends: their table is built once. */
function tableBuilder (node: LbNode): (contents: TableContents) => Table {
  let last: { contents: TableContents, table: Table } | null = null
  return contents => {
    if (last?.contents.m === contents.m && sameTableBackends(last.contents.backends, contents.backends)) return last.table
    const table = buildTable(contents.m, contents.backends, node.seed, node.settings.release)
    if (table === null) throw new Error('a table without backends was planned')
    last = { contents, table }
    return table
  }
}

function takeBack (undos: readonly Undo[]): void {
  for (const undo of [...undos].reverse()) {
    const result = 'put' in undo ? undo.put() : takeBackEntry(undo.maps, undo.write, undo.before)
    if (!result.ok) throw new Error(`a failed change could not be taken back: ${result.error.message}`)
  }
}

function takeBackEntry (maps: LbMaps, write: EntryWrite, before: Uint8Array | null): Result<void> {
  const map = entryMap(maps, write)
  return before === null ? map.delete(write.key()) : map.update(write.key(), before)
}

function refuseWrite (node: LbNode, write: MapWrite, error: Errno): ReturnType<typeof refuse> {
  const map = ciliumMapName(write.map, write.family)
  const code = error.name === 'E2BIG' ? 'MAP_FULL' : 'OUT_OF_MEMORY'
  return refuse(code, `node ${node.settings.name}: ${map}: ${error.name}: ${error.message}`, {
    facts: { node: node.settings.name, map, errno: error.name }
  })
}
