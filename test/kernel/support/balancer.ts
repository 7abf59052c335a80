// The balancer in the running kernel: an object of each layout with the maps and tables it wants.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readObject } from '../../../lib/bpf/object/index.ts'
import type { MapSpec } from '../../../lib/bpf/object/index.ts'
import {
  constantsMapName, decodeRevNatId, encodeU32, innerMapName, mapNames, metricsMapName,
  objectFile, reasons, sumCounters, withLoadTimeConstants
} from '../../../lib/datapath/index.ts'
import type { DatapathLayout, LoadTimeConstants } from '../../../lib/datapath/index.ts'
import { templateAttributes } from '../../../lib/loadbalancer/index.ts'
import { defaultSeed } from '../../../lib/maglev/index.ts'
import type { SceneMaps } from '../../support/balancer-scenes.ts'
import type { Bpf, KernelRun } from '../../../src/live-kernel/bpf.ts'
import { loadObject } from '../../../src/live-kernel/load.ts'
import type { LoadedObject } from '../../../src/live-kernel/load.ts'
import { createTable, writeFlatTable } from '../../../src/live-kernel/tables.ts'
import { flatServices } from '../../support/emulated-balancer.ts'

const ENOENT = 2

export interface KernelBalancer extends SceneMaps {
  readonly object: LoadedObject
  run (packet: Uint8Array): KernelRun
  /** packets counted so far, by index of the reason */
  counters (): number[]
}

/**
 * @param m table size of layouts which have one for all; the others take it from each table
 * @param entries of the services and backends maps, where the object's own are too few
 * @param constants besides seed and table size
 */
export function loadBalancer (
  bpf: Bpf, layout: DatapathLayout, m: number, entries?: number, constants: Partial<LoadTimeConstants> = {}
): KernelBalancer {
  const spec = readObject(readFileSync(join(import.meta.dirname, '../../../lib/datapath', objectFile(layout))), { name: 'balancer' })
  if (!spec.ok) throw new Error(spec.error.message)
  const object = loadObject(bpf, spec.value, (declared) => editMap(declared, layout, m, constants, entries))
  const map = (name: string): { fd: number, spec: MapSpec } => object.maps.get(name) ?? fail(`no map ${name}`)
  const update = (fd: number, key: Uint8Array, value: Uint8Array): void => {
    const result = bpf.update(fd, key, value)
    if (result !== 0) fail(`update: errno ${-result}`)
  }
  // Every update of an outer map waits for all readers, some 13 ms; a batch waits once. So tables go in together.
  const tables = new Map<number, WaitingTable[]>()
  return {
    object,
    update: (name, key, value) => update(map(name).fd, key, value),
    remove (name, key) {
      const result = bpf.delete(map(name).fd, key)
      if (result !== 0 && result !== -ENOENT) fail(`delete: errno ${-result}`)
    },
    setTable (name, key, ids) {
      const outer = map(name)
      if (layout === 'flat') return writeFlatTable(bpf, outer.fd, decodeRevNatId(key) - 1, ids)
      const inner = createTable(bpf, layout, ids, innerMapName)
      const waiting = tables.get(outer.fd) ?? []
      tables.set(outer.fd, [...waiting, { key, inner }])
    },
    run (packet) {
      for (const [outer, waiting] of tables) putTables(bpf, outer, waiting)
      tables.clear()
      return bpf.testRun(object.program, packet)
    },
    counters: () => reasons.map(({ index }) => {
      const values = new Uint8Array(8 * bpf.possibleCpus)
      bpf.lookup(map(metricsMapName).fd, encodeU32(index), values)
      return sumCounters(values)
    })
  }
}

function editMap (
  spec: MapSpec, layout: DatapathLayout, m: number, more: Partial<LoadTimeConstants>, entries?: number
): MapSpec {
  // as a node has them that remembers nothing
  if (Object.values<string>(mapNames.conntrack).includes(spec.name) && more.conntrack !== 1) return { ...spec, maxEntries: 1 }
  const raised = [mapNames.services[4], mapNames.backends[4]].some((name) => name === spec.name)
  if (entries !== undefined && raised) return { ...spec, maxEntries: entries }
  if (spec.name === constantsMapName) {
    const { jhash4, jhash6 } = defaultSeed()
    const constants = { hashInit4Seed: jhash4, hashInit6Seed: jhash6, maglevTableSize: m, ...more }
    return { ...spec, contents: withLoadTimeConstants(spec.contents ?? new Uint8Array(spec.valueSize), constants) }
  }
  if (layout === 'flat') return Object.values<string>(mapNames.maglev).includes(spec.name) ? { ...spec, maxEntries: flatServices * m } : spec
  return spec.inner === undefined ? spec : { ...spec, inner: { ...spec.inner, ...templateAttributes(layout, m) } }
}

interface WaitingTable { readonly key: Uint8Array, readonly inner: number }

function putTables (bpf: Bpf, outer: number, tables: readonly WaitingTable[]): void {
  const keys = Buffer.concat(tables.map(({ key }) => key))
  const updated = bpf.updateBatch(outer, keys, Buffer.concat(tables.map(({ inner }) => encodeU32(inner))), tables.length)
  for (const { inner } of tables) bpf.close(inner)
  if (updated !== tables.length) fail(`batch update: ${updated} of ${tables.length}`)
}

function fail (message: string): never {
  throw new Error(message)
}
