// Seeded flows to one frontend through a node's program, counted by the backend that their packets went to.

import { parseAddress } from '../maglev/index.ts'
import type { EmulatedNode } from './node.ts'
import { attachment, frontendView } from './node-views.ts'
import type { NodeSet } from './node-set.ts'
import { chunkCount, createShare } from './traffic-share.ts'
import type { ShareRunner } from './traffic-share.ts'
import type { FlowCounter, FlowCounts, FrontendView } from './types.ts'

/** the CPU, and the place among readers of the nodes' maps, that belong to the thread of the simulator */
const CPU = 0
const WORKER = 0
type Frontend = Pick<FrontendView, 'id' | 'address' | 'port' | 'table'>

const keepOn = (): boolean => true

/** @throws SimError NODE_NOT_FOUND */
export function flowCounter (set: NodeSet, name: string): FlowCounter {
  const node = set.get(name)
  return {
    * count (frontend, flows, seed) {
      const { protocol, port } = frontend
      const address = parseAddress(frontend.address)
      if (protocol === 'SCTP' || address === null || !isUnchanged(set, node, frontend)) return null
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
      const targets = [{ address: address.bytes, port, protocol }]
      const attachments = [attachment(node, set.coreModule)]
      const share = createShare({ plan, targets, attachments, cpu: CPU, worker: WORKER }, () => 0)
      try {
        for (let chunk = 0; chunk < chunkCount(plan); chunk++) {
          if (!isUnchanged(set, node, frontend)) return null
          share.runChunk(chunk, keepOn)
          yield
        }
        return countsOf(share, flows)
      } finally {
        share.dispose()
      }
    }
  }
}

/** The node is another one when its settings change, and every rebuild of a table makes another inner map. */
function isUnchanged (set: NodeSet, node: EmulatedNode, { id, address, port, table }: Frontend): boolean {
  const realised = set.list().includes(node) ? node.node.frontendById(id) : undefined
  if (realised === undefined) return false
  const now = frontendView(node, realised)
  return now.address === address && now.port === port && now.table?.mapId === table?.mapId && now.table?.m === table?.m
}

function countsOf (share: ShareRunner, flows: number): FlowCounts {
  const { nodes, pairs } = share.finish()
  const backends = pairs.map(({ address, port }, index) => ({ address, port, flows: nodes[0]?.firstTurn[index] ?? 0 }))
  return { backends, unserved: flows - backends.reduce((sum, backend) => sum + backend.flows, 0) }
}
