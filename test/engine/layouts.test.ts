// Layouts with tables of one size pick the same backend for every flow: 100,000 flows to services of the sizes at which the compact
// layout changes its shape, in batches through the interpreter; verdict and bytes are compared with those of `blob`.

import t from 'tap'
import { createBatch, createExecution } from '../../lib/bpf/core/index.ts'
import { encodeBackendValue, encodeRevNatId, encodeServiceKey, encodeServiceValue, encodeU32, frontendWord, mapNames } from '../../lib/datapath/index.ts'
import type { DatapathLayout } from '../../lib/datapath/index.ts'
import { defaultSettings } from '../../lib/loadbalancer/index.ts'
import { buildTable, defaultSeed } from '../../lib/maglev/index.ts'
import { createTrafficGenerator } from '../../lib/traffic/index.ts'
import { emulateBalancer, flatServices } from '../support/emulated-balancer.ts'
import type { WorldMaps } from '../support/balancer-world.ts'

const seed = 2020
const flows = 100_000
/** of layouts whose tables are the ids slot by slot */
const fewerFlows = 20_000
const m = 131_071
const counts = [1, 2, 3, 4, 5, 11, 12, 16, 17, 84, 85, 255, 256, 257, 1625, 1626, 65_535]
const XDP_TX = 3
const addressOf = (index: number): Uint8Array => Uint8Array.of(172, 20, 0, index + 1)
const backendAddress = (id: number): Uint8Array => Uint8Array.of(10, id >>> 16, id >>> 8, id)

const targets = counts.map((_, index) => ({ address: addressOf(index), port: 443, protocol: 'TCP' as const }))
let lastId = 0
const tables = counts.map((n) => {
  const backends = Array.from({ length: n }, () => {
    const id = ++lastId
    return { id, address: backendAddress(id).join('.'), port: 8443, protocol: 'TCP' as const, weight: 1 }
  })
  return buildTable(m, backends, defaultSeed(), '1.17+')?.ids ?? new Uint32Array(m)
})

function fill (maps: WorldMaps): void {
  for (let id = 1; id <= lastId; id++) {
    const value = encodeBackendValue({ address: backendAddress(id), port: 8443, protocol: 6, flags: 0, clusterId: 0, zone: 0 })
    maps.update(mapNames.backends[4], encodeU32(id), value)
  }
  counts.forEach((count, index) => {
    const key = encodeServiceKey({ address: addressOf(index), port: 443, slot: 0, protocol: 6, scope: 0 })
    const value = { word: frontendWord(2), count, revNatId: index + 1, flags: 0, flags2: 0, quarantinedCount: 0 }
    maps.update(mapNames.services[4], key, encodeServiceValue(value))
    maps.setTable(mapNames.maglev[4], encodeRevNatId(index + 1), tables[index] as Uint32Array)
  })
}

/** @returns verdicts and packets one after the other */
function runFlows (layout: DatapathLayout, flows: number): { sent: number, bytes: Buffer } {
  const mapSizes = { ...defaultSettings('twin').mapSizes, backends: 2 * lastId, ...(layout === 'flat' ? { maglev: flatServices } : {}) }
  const { datapath: { kernel, program }, maps } = emulateBalancer(layout, m, { mapSizes, tableSizePolicy: { fixed: m } })
  fill(maps)
  const execution = createExecution(kernel.core, { cpu: 0, worker: 1 })
  const slots = 4000
  const batch = createBatch(kernel.core, { slots })
  if (!batch.ok) throw new Error(batch.error.message)
  const generator = createTrafficGenerator({ seed, targets })
  const into = new Uint8Array(generator.maximumLength)
  const found: Uint8Array[] = []
  let sent = 0
  for (let flow = 0; flow < flows; flow += slots) {
    for (let slot = 0; slot < slots; slot++) batch.value.set(slot, into.subarray(0, generator.next(into, 0)))
    execution.runBatch(program.image, batch.value)
    for (let slot = 0; slot < slots; slot++) {
      const verdict = batch.value.verdict(slot)
      if (verdict === XDP_TX) sent++
      found.push(Uint8Array.of(verdict), batch.value.packet(slot))
    }
  }
  return { sent, bytes: Buffer.concat(found) }
}

t.test(`${flows} flows from seed ${seed}, N = ${counts.join(', ')}`, async (t) => {
  const blob = runFlows('blob', flows)
  t.equal(blob.sent, flows)
  t.ok(runFlows('compact', flows).bytes.equals(blob.bytes), 'compact = blob')
  for (const layout of ['fixed', 'flat', 'dynamic', 'packed'] as const) {
    const { sent, bytes } = runFlows(layout, fewerFlows)
    t.equal(sent, fewerFlows)
    t.ok(bytes.equals(blob.bytes.subarray(0, bytes.length)), `${layout} = blob`)
  }
})
