// Layouts with tables of one size pick the same backend for every flow: 100,000 flows to services of the sizes at which the compact
// layout changes its shape, in batches through the interpreter; verdict and bytes are compared with those of `blob`.

import t from 'tap'
import { createBatch, createExecution } from '../../lib/bpf/core/index.ts'
import type { DatapathLayout } from '../../lib/datapath/index.ts'
import { defaultSettings } from '../../lib/loadbalancer/index.ts'
import { emulateBalancer, flatServices } from '../support/emulated-balancer.ts'
import { fillSizedServices, serviceSizes, sizedMapEntries, sizedServicesTraffic, sizedTableSize } from '../support/sized-services.ts'

const seed = 2020
const flows = 100_000
/** of layouts whose tables are the ids slot by slot */
const fewerFlows = 20_000
const XDP_TX = 3

/** @returns verdicts and packets one after the other */
function runFlows (layout: DatapathLayout, flows: number): { sent: number, bytes: Buffer } {
  const sizes = { ...defaultSettings('twin').mapSizes, services: sizedMapEntries, backends: sizedMapEntries }
  const mapSizes = layout === 'flat' ? { ...sizes, maglev: flatServices } : sizes
  const tableSizePolicy = { fixed: sizedTableSize }
  const { datapath: { kernel, program }, maps } = emulateBalancer(layout, sizedTableSize, { mapSizes, tableSizePolicy })
  fillSizedServices(maps)
  const execution = createExecution(kernel.core, { cpu: 0, worker: 1 })
  const slots = 4000
  const batch = createBatch(kernel.core, { slots })
  if (!batch.ok) throw new Error(batch.error.message)
  const generator = sizedServicesTraffic(seed)
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

t.test(`${flows} flows from seed ${seed}, N = ${serviceSizes.join(', ')}`, async (t) => {
  const blob = runFlows('blob', flows)
  t.equal(blob.sent, flows)
  t.ok(runFlows('compact', flows).bytes.equals(blob.bytes), 'compact = blob')
  for (const layout of ['fixed', 'flat', 'dynamic', 'packed'] as const) {
    const { sent, bytes } = runFlows(layout, fewerFlows)
    t.equal(sent, fewerFlows)
    t.ok(bytes.equals(blob.bytes.subarray(0, bytes.length)), `${layout} = blob`)
  }
})
