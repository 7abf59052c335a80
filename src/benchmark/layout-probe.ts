// The probe of one layout in the running kernel, with the tables of a mix of services in its maps.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readObject } from '../../lib/bpf/object/index.ts'
import type { MapSpec } from '../../lib/bpf/object/index.ts'
import { constantsMapName, encodeRevNatId, encodeU32, innerMapName, mapNames, probeFile, withLoadTimeConstants } from '../../lib/datapath/index.ts'
import type { DatapathLayout } from '../../lib/datapath/index.ts'
import { templateAttributes } from '../../lib/loadbalancer/index.ts'
import { packageRoot } from '../cli/paths.ts'
import type { Bpf } from '../live-kernel/bpf.ts'
import { loadObject } from '../live-kernel/load.ts'
import type { LoadedObject } from '../live-kernel/load.ts'
import { createTable, writeFlatTable } from '../live-kernel/tables.ts'

export interface Draw {
  /** index of the first service to draw from, and how many from there on */
  readonly first: number
  readonly services: number
}

export interface LayoutProbe {
  readonly layout: DatapathLayout
  /** of all inner maps; of the array where there are none */
  readonly memlockBytes: number
  /** @returns ns per run */
  time (draw: Draw, runs: number): number
  /** @returns sum of the ids that so many runs pick, from the same start in every layout */
  sumOfPicks (draw: Draw, runs: number): bigint
  close (): void
}

/** names as in the object: the file's name and the section's */
const objectName = 'probe'
const stateMapName = `${objectName}.bss`
const RANDOM_START = 7n
const XDP_DROP = 1
const anyPacket = new Uint8Array(64)
/** an update of an outer map waits for all readers; a batch waits once, and has its descriptors open */
const BATCH = 250

/** @param tables of services with revNAT ids 1, 2, ...; all of one size, unless inner maps may be of any */
export function loadLayoutProbe (bpf: Bpf, layout: DatapathLayout, tables: readonly Uint32Array[]): LayoutProbe {
  const m = tables.at(-1)?.length ?? 0
  const spec = readObject(readFileSync(join(packageRoot(), 'lib/datapath', probeFile(layout))), { name: objectName })
  if (!spec.ok) throw new Error(spec.error.message)
  const object = loadObject(bpf, spec.value, (declared) => sized(declared, layout, m, tables.length))
  const memlockBytes = fill(bpf, object, layout, tables)
  const start = ({ first, services }: Draw): void => {
    const state = new DataView(new ArrayBuffer(24))
    state.setBigUint64(0, RANDOM_START, true)
    state.setUint32(16, services, true)
    state.setUint32(20, 1 + first, true)
    bpf.update(fdOf(object, stateMapName), new Uint8Array(4), new Uint8Array(state.buffer))
  }
  const time = (draw: Draw, runs: number): number => {
    start(draw)
    const { retval, durationNs } = bpf.testRun(object.program, anyPacket, runs)
    if (retval !== XDP_DROP) throw new Error(`${layout}: the last lookup found nothing`)
    return durationNs
  }
  return {
    layout,
    memlockBytes,
    time,
    sumOfPicks (draw, runs) {
      time(draw, runs)
      const state = new Uint8Array(24)
      bpf.lookup(fdOf(object, stateMapName), new Uint8Array(4), state)
      return new DataView(state.buffer).getBigUint64(8, true)
    },
    close: () => { object.close() }
  }
}

function sized (spec: MapSpec, layout: DatapathLayout, m: number, services: number): MapSpec {
  if (spec.name === constantsMapName.replace('balancer', objectName)) {
    const constants = { hashInit4Seed: 0, hashInit6Seed: 0, maglevTableSize: m }
    return { ...spec, contents: withLoadTimeConstants(spec.contents ?? new Uint8Array(spec.valueSize), constants) }
  }
  if (spec.name === mapNames.maglev[4] && layout === 'flat') return { ...spec, maxEntries: services * m }
  return spec.inner === undefined || layout === 'flat' ? spec : { ...spec, inner: { ...spec.inner, ...templateAttributes(layout, m) } }
}

/** @returns memlock of what holds the tables */
function fill (bpf: Bpf, object: LoadedObject, layout: DatapathLayout, tables: readonly Uint32Array[]): number {
  const outer = fdOf(object, mapNames.maglev[4])
  if (layout === 'flat') {
    tables.forEach((ids, position) => { writeFlatTable(bpf, outer, position, ids) })
    return bpf.memlock(outer)
  }
  let memlockBytes = 0
  for (let from = 0; from < tables.length; from += BATCH) {
    const inner = tables.slice(from, from + BATCH).map((ids) => createTable(bpf, layout, ids, innerMapName))
    memlockBytes += inner.reduce((sum, fd) => sum + bpf.memlock(fd), 0)
    const keys = Buffer.concat(inner.map((_, index) => encodeRevNatId(1 + from + index)))
    const updated = bpf.updateBatch(outer, keys, Buffer.concat(inner.map(encodeU32)), inner.length)
    for (const fd of inner) bpf.close(fd)
    if (updated !== inner.length) throw new Error(`${layout}: batch update of ${inner.length} tables: ${updated}`)
  }
  return memlockBytes
}

function fdOf (object: LoadedObject, name: string): number {
  const map = object.maps.get(name)
  if (map === undefined) throw new Error(`the probe has no map ${name}`)
  return map.fd
}
