// Runs of kind `traffic` for the job manager and the command line: plans them, starts the threads, watches the nodes
// meanwhile, and puts the result together. The nodes stay in use: services may change while a run goes on, and packets
// then see the old tables or the new ones, as on a machine.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { Type } from 'typebox'
import { SimError } from '../../lib/sim/errors.ts'
import {
  chunkCount, planTraffic, slotsPerBackend, trafficDefaults, trafficLimits, trafficResult, trafficTargets
} from '../../lib/sim/traffic.ts'
import type { TargetFrontend, TrafficBody, TrafficPlan, TrafficResult, TrafficShare } from '../../lib/sim/traffic.ts'
import type { NodeAttachment, Simulator } from '../../lib/sim/types.ts'
import type { RunControl, RunExecutor } from './types.ts'
import { CONTROL_PACKETS, CONTROL_STOP, CONTROL_WORDS } from '../workers/traffic-control.ts'
import type { TrafficThreadData } from '../workers/traffic-control.ts'
import { startThread } from '../workers/start-thread.ts'

/** readers of a node's maps are numbered; 0 is the main thread */
const READERS = 64
const WATCH_MS = 100
/** frontends whose flows are held against their tables; reading a table takes about a millisecond */
const TESTED_FRONTENDS = 256

export function trafficExecutor (sim: Simulator): RunExecutor<TrafficPlan, TrafficResult> {
  const readers = new Set<number>()
  return {
    kind: 'traffic',
    description: 'Seeded synthetic flows to the frontends of chosen services, through the BPF program of chosen nodes, in worker threads: ' +
      'verdicts, drops, packets per backend, instructions per packet, counters, throughput.',
    body: trafficBody,
    validate: (body) => planTraffic(sim, body as TrafficBody),
    execute: (plan, control) => execute(sim, plan, control, readers)
  }
}

async function execute (
  sim: Simulator, plan: TrafficPlan, { onProgress, signal }: RunControl, readers: Set<number>
): Promise<TrafficResult> {
  signal.throwIfAborted()
  const before = sim.revision()
  const targets = trafficTargets(sim, plan)
  const attachments = plan.nodes.map((node) => sim.attach(node))
  const control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT))
  const stop = new AbortController()
  const report = (): void => onProgress({ done: Atomics.load(control, CONTROL_PACKETS), total: plan.packets, unit: 'packets' })
  const watch = setInterval(() => {
    report()
    const problem = nodeProblem(sim, attachments)
    if (problem !== null) stop.abort(problem)
  }, WATCH_MS)
  const startedMs = performance.now()
  try {
    const threads = Math.min(plan.workers, chunkCount(plan))
    const shares = await runThreads(threads, (index, worker) => ({
      job: {
        plan,
        targets,
        attachments,
        // from the last CPU down: the main thread's lookups are on the first
        cpu: Math.min(...attachments.map(({ possibleCpus }) => possibleCpus)) - 1 - index,
        worker
      },
      chunks: chunkCount(plan),
      control
    }), AbortSignal.any([signal, stop.signal]), control, readers)
    const durationMs = performance.now() - startedMs
    report()
    const after = sim.revision()
    const slots = await slotsOfTargets(sim, plan, targets, before)
    const slotsOf = (node: number, target: number): ReadonlyMap<string, number> | null => slots[node]?.[target] ?? null
    return trafficResult({ plan, targets, shares, revision: { before, after }, durationMs, slotsOf })
  } finally {
    clearInterval(watch)
  }
}

/** Threads never end in the middle of a batch, where they would take a CPU of the node with them: they are asked to stop. */
async function runThreads (
  threads: number,
  dataOf: (index: number, worker: number) => TrafficThreadData,
  signal: AbortSignal,
  control: Int32Array,
  readers: Set<number>
): Promise<TrafficShare[]> {
  const stop = (): void => { Atomics.store(control, CONTROL_STOP, 1) }
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const results = await Promise.allSettled(Array.from({ length: threads }, async (_, index) => {
    const worker = takeReader(readers)
    try {
      return await runThread(dataOf(index, worker))
    } catch (error) {
      stop()
      throw error
    } finally {
      readers.delete(worker)
    }
  }))
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

function takeReader (readers: Set<number>): number {
  for (let reader = 1; reader < READERS; reader++) {
    if (readers.has(reader)) continue
    readers.add(reader)
    return reader
  }
  throw new Error(`more than ${READERS - 1} threads at once`)
}

function runThread (workerData: TrafficThreadData): Promise<TrafficShare> {
  const thread = startThread('traffic-thread', { workerData, env: {} })
  return new Promise((resolve, reject) => {
    let share: TrafficShare | null = null
    thread.once('message', (message: TrafficShare) => { share = message })
    thread.once('error', reject)
    thread.once('exit', (code) => share === null ? reject(new Error(`a traffic thread ended with code ${code}`)) : resolve(share))
  })
}

/** A node that was deleted or rebuilt left its memory behind: packets there would speak of a node that is no more. */
function nodeProblem (sim: Simulator, attachments: readonly NodeAttachment[]): SimError | null {
  for (const { node, generation } of attachments) {
    try {
      if (sim.attach(node).generation !== generation) return new SimError('NODE_CHANGED', `node ${node} was rebuilt while the run used it`)
    } catch (error) {
      if (error instanceof SimError) return new SimError(error.code, `node ${node} was deleted while the run used it`)
      throw error
    }
  }
  return null
}

type SlotsOfTargets = Array<Array<ReadonlyMap<string, number>>>

/**
 * Tables are read one by one, with a turn of the event loop for others in between.
 * @returns by node and target; empty when the cluster is not at `revision` any more
 */
async function slotsOfTargets (
  sim: Simulator, plan: TrafficPlan, targets: readonly TargetFrontend[], revision: number
): Promise<SlotsOfTargets> {
  const perNode: SlotsOfTargets = plan.nodes.map(() => [])
  for (const [index, node] of plan.nodes.entries()) {
    for (const target of targets.slice(0, TESTED_FRONTENDS)) {
      await nextTurn()
      if (sim.revision() !== revision) return []
      perNode[index]?.push(slotsPerBackend(sim, node, target.ids[index] ?? -1))
    }
  }
  return perNode
}

const trafficBody = Type.Object({
  kind: Type.Literal('traffic'),
  nodes: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 63 }), {
    minItems: 1, maxItems: trafficLimits.nodes, description: 'Nodes that every packet goes through; all unless said.'
  })),
  services: Type.Optional(Type.Array(Type.Object({
    namespace: Type.String({ minLength: 1, maxLength: 253, description: 'Namespace of the service.' }),
    name: Type.String({ minLength: 1, maxLength: 253, description: 'Name of the service.' })
  }, { additionalProperties: false }), { minItems: 1, maxItems: trafficLimits.services, description: 'Services to send to; all unless said.' })),
  flows: Type.Optional(Type.Integer({
    minimum: 1,
    maximum: trafficLimits.flows,
    description: `Distinct flows; ${trafficDefaults.flows} or as many as packets unless said. Packets go through them in turn.`
  })),
  packets: Type.Optional(Type.Integer({
    minimum: 1, maximum: trafficLimits.packets, default: trafficDefaults.packets, description: 'Packets; each goes through every node.'
  })),
  seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 4_294_967_295, default: trafficDefaults.seed, description: 'Seed of the flows.' })),
  distribution: Type.Optional(Type.Union([
    Type.Literal('uniform'),
    Type.Object({
      zipf: Type.Number({ exclusiveMinimum: 0, maximum: trafficLimits.zipfExponent, description: 'Exponent.' })
    }, { additionalProperties: false })
  ], { default: 'uniform', description: 'Of the flows over the frontends: the same share for each, or Zipf in their order.' })),
  sourceCidr: Type.Optional(Type.String({
    minLength: 2, maxLength: 60, description: 'Where clients come from, for frontends of its family; 198.18.0.0/15 and 2001:db8::/32 unless said.'
  })),
  workers: Type.Optional(Type.Integer({
    minimum: 1, maximum: trafficLimits.workers, description: 'Threads, each on a CPU of the nodes of its own; 2 or as many as there are CPUs unless said.'
  }))
}, {
  additionalProperties: false,
  title: 'TrafficRun',
  description: 'Synthetic traffic through the BPF programs of nodes.',
  examples: [{ kind: 'traffic', packets: 1_000_000, flows: 100_000, seed: 7, distribution: { zipf: 1.1 } }]
})
