// The result of a traffic run as text.

import { formatText } from '../../lib/report/forms/text.ts'
import type { Column } from '../../lib/report/table.ts'
import { counted } from '../../lib/report/words.ts'
import type { TrafficNodeResult, TrafficResult } from '../../lib/sim/traffic-result.ts'

const listedFrontends = 10

export function describeTraffic (result: TrafficResult): string {
  const whole = (value: number): string => Math.round(value).toLocaleString('en-US')
  const same = result.agreement.same === result.agreement.packets
    ? 'every packet ended the same on all nodes'
    : `${counted(result.agreement.packets - result.agreement.same, 'packet', whole)} did not end the same on all nodes`
  return [
    `${counted(result.packets, 'packet', whole)} of ${counted(result.flows, 'flow', whole)} in ${(result.durationMs / 1000).toFixed(1)} s ` +
      `(${whole(result.packetsPerSecond)} packets/s over all nodes, ${counted(result.workers, 'thread')}); ${same}`,
    '',
    formatText({ title: '', columns: nodeColumns, rows: result.nodes.map(nodeCells) }),
    ...result.nodes.flatMap((node) => node.drops.map(({ step, code, packets }) => `${node.node}: ${whole(packets)} dropped at ${step} (${code})`)),
    ...busiest(result),
    `digest ${result.digest}`,
    ''
  ].join('\n')
}

const nodeColumns: readonly Column[] = [
  { key: 'node', title: 'node' }, { key: 'tx', title: 'to a backend' }, { key: 'drop', title: 'dropped' }, { key: 'pass', title: 'passed' },
  { key: 'instructions', title: 'instructions' }, { key: 'least', title: 'least' }, { key: 'most', title: 'most' },
  { key: 'ns', title: 'ns/packet' }, { key: 'pps', title: 'packets/s' }, { key: 'pValue', title: 'as the slots (p)' }
]

const nodeCells = (node: TrafficNodeResult): Array<string | number | null> => [
  node.node, node.verdicts['XDP_TX'] ?? 0, node.verdicts['XDP_DROP'] ?? 0, node.verdicts['XDP_PASS'] ?? 0,
  Number(node.instructions.mean.toFixed(2)), node.instructions.min, node.instructions.max,
  Math.round(node.nsPerPacket), node.packetsPerSecond, node.chiSquare === null ? null : Number(node.chiSquare.pValue.toFixed(3))
]

function busiest (result: TrafficResult): string[] {
  const [node] = result.nodes
  if (node === undefined) return []
  const frontends = node.frontends.toSorted((one, other) => other.packets - one.packets).slice(0, listedFrontends)
  const rows = frontends.map(({ service, address, port, protocol, packets, backends }) => {
    const counts = backends.map((backend) => backend.packets)
    return [`${service.namespace}/${service.name}`, `${address.includes(':') ? `[${address}]` : address}:${port}/${protocol}`, packets,
      backends.length, counts.length === 0 ? null : Math.min(...counts), counts.length === 0 ? null : Math.max(...counts)]
  })
  const columns = [{ key: 'service', title: 'service' }, { key: 'frontend', title: 'frontend' }, { key: 'packets', title: 'packets' },
    { key: 'backends', title: 'backends' }, { key: 'least', title: 'least busy' }, { key: 'most', title: 'busiest' }]
  const of = frontends.length < node.frontends.length ? ` ${frontends.length} of ${node.frontends.length}` : ''
  return [formatText({ title: `The busiest frontends${of} on node ${node.node}`, columns, rows })]
}
