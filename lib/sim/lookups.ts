// Flows and packets through the programs of nodes, one answer per packet and node.

import { withCpu } from './cpu-lease.ts'
import { explain, meet } from './explanation.ts'
import { describeRun, nodesAgree, packetsOf } from './lookup.ts'
import type { EmulatedNode } from './node.ts'
import type { NodeSet } from './node-set.ts'
import { tracedRun } from './trace.ts'
import type { LookupReport, LookupRequest, NodeLookup } from './types.ts'

/** lookups run on the CPU whose counters say what became of the packet */
const CPU = 0

export function lookup (set: NodeSet, request: LookupRequest): LookupReport {
  const nodes = request.nodes === undefined ? set.list() : request.nodes.map((name) => set.get(name))
  const packets = packetsOf(request)
  const answers = nodes.map((node) => withCpu(node.cpuLeases, CPU, () => runAll(node, packets, request, set.uptimeMs)))
  const results = packets.map((_, index) => {
    const perNode = answers.flatMap((answer) => answer[index] ?? [])
    return { agree: nodesAgree(perNode), nodes: perNode }
  })
  return { revision: set.cluster.revision, results }
}

function runAll (emulated: EmulatedNode, packets: readonly Uint8Array[], request: LookupRequest, uptimeMs: number): NodeLookup[] {
  const { trace = false, explain: explained = false, from = 'outside' } = request
  const { execution, datapath, outcomes } = emulated
  const program = datapath.programOf(from)
  if (request.randomSeed !== undefined) execution.seedRandom(request.randomSeed)
  return packets.map((packet) => {
    outcomes.mark()
    if (!trace && !explained) {
      const run = execution.run(program.image, packet)
      return describeRun(emulated, packet, run, outcomes.raised())
    }
    // the tracer alone: it counts like the interpreter to the bit, and the packet is counted once
    const met = explained ? meet(emulated, packet, uptimeMs, from) : null
    const run = tracedRun(emulated, program, packet)
    const outcome = outcomes.raised()
    return {
      ...describeRun(emulated, packet, run, outcome),
      ...(met === null ? {} : { explanation: explain(emulated, met, run.steps, outcome) }),
      ...(trace ? { trace: run.steps } : {})
    }
  })
}
