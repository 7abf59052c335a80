// Seeded flows to frontends through a node's program, counted by the backend that their packets went to.

import { parseAddress } from '../maglev/index.ts'
import type { RealisedFrontend } from '../loadbalancer/index.ts'
import type { EmulatedNode } from './node.ts'
import { attachment, frontendView } from './node-views.ts'
import type { NodeSet } from './node-set.ts'
import { backendPorts } from './port-of-sent.ts'
import type { ShareTarget } from './traffic-plan.ts'
import { chunkCount, createShare } from './traffic-share.ts'
import type { TrafficShare } from './traffic-share.ts'
import type { FlowCounter, FlowCounts, FlowTarget } from './types.ts'

/** the CPU, and the place among readers of the nodes' maps, that belong to the thread of the simulator */
const CPU = 0
const WORKER = 0
const keepOn = (): boolean => true

/** @throws SimError NODE_NOT_FOUND */
export function flowCounter (set: NodeSet, name: string): FlowCounter {
  const node = set.get(name)
  return {
    * count (frontends, flows, seed) {
      const realised = frontends.map((frontend) => unchanged(set, node, frontend))
      const isAsItWas = (): boolean => set.list().includes(node) &&
        realised.every((one, index) => one !== null && node.node.frontendById(frontends[index]?.id ?? -1) === one)
      if (frontends.length === 0 || !isAsItWas()) return null
      const plan = {
        kind: 'traffic' as const,
        nodes: [name],
        services: null,
        flows,
        packets: flows,
        seed,
        distribution: 'uniform' as const,
        sourceCidr: null,
        workers: 1
      }
      const attachments = [attachment(node, set.coreModule, set.uptimeMs)]
      const targets = frontends.map((frontend, index) => targetOf(frontend, node, realised[index] ?? null))
      const share = createShare({ plan, targets, attachments, cpu: CPU, worker: WORKER }, () => 0)
      try {
        for (let chunk = 0; chunk < chunkCount(plan); chunk++) {
          if (!isAsItWas()) return null
          share.runChunk(chunk, keepOn)
          yield
        }
        return countsOf(share.finish())
      } finally {
        share.dispose()
      }
    }
  }
}

/** The node is another one when its settings change, and every rebuild of a table makes another inner map. */
function unchanged (set: NodeSet, node: EmulatedNode, { id, address, port, table }: FlowTarget): RealisedFrontend | null {
  const realised = set.list().includes(node) ? node.node.frontendById(id) : undefined
  if (realised === undefined) return null
  const now = frontendView(node, realised)
  return now.address === address && now.port === port && now.table?.mapId === table?.mapId && now.table?.m === table?.m ? realised : null
}

function targetOf ({ address, port, protocol }: FlowTarget, { node }: EmulatedNode, realised: RealisedFrontend | null): ShareTarget {
  const parsed = parseAddress(address)
  if (parsed === null) throw new RangeError(`${address} is no address`)
  const backends = backendPorts((realised === null ? [] : node.backendsOf(realised)).map(({ backend }) => backend))
  return { address: parsed.bytes, port, protocol, backends }
}

function countsOf ({ nodes, pairs, targets }: TrafficShare): FlowCounts[] {
  const counts = targets.map((flows) => ({ flows, backends: [] as Array<FlowCounts['backends'][number]>, unserved: flows }))
  for (const [index, { target, address, port }] of pairs.entries()) {
    const one = counts[target]
    const flows = nodes[0]?.firstTurn[index] ?? 0
    if (one === undefined) continue
    one.backends.push({ address, port, flows })
    one.unserved -= flows
  }
  return counts
}
