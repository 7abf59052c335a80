// A packet through a node's program: the verdict, the backend read from the rewritten packet, the step that dropped it
// read from the program's own counters, and the cost of that very execution.

import type { RunResult } from '../bpf/core/index.ts'
import type { Reason } from '../datapath/index.ts'
import { xdpVerdicts } from '../datapath/index.ts'
import { buildFlowPacket } from '../packet/index.ts'
import { SimError } from './errors.ts'
import type { SimErrorPlace } from './errors.ts'
import type { EmulatedNode } from './node.ts'
import { sentTo } from './sent-to.ts'
import type { FlowSpec, LookupRequest, NodeLookup } from './types.ts'

/** an Ethernet header, as the kernel's test-run asks for */
const PACKET_BYTES_MIN = 14
/** what the kernel keeps in one page beside headroom and tail */
const PACKET_BYTES_MAX = 3520

/** @throws SimError with the place of every flow or packet that cannot be run */
export function packetsOf (request: LookupRequest): Uint8Array[] {
  const places: SimErrorPlace[] = []
  const packets = [
    ...(request.flows ?? []).map((flow, index) => flowPacket(flow, `/flows/${index}`, places)),
    ...(request.packets ?? []).map((hex, index) => hexPacket(hex, `/packets/${index}`, places))
  ]
  const first = places[0]
  if (first !== undefined) {
    const code = first.pointer.startsWith('/flows') ? 'INVALID_FLOW' : 'INVALID_PACKET'
    throw new SimError(code, `${first.pointer}: ${first.detail}`, { places })
  }
  return packets
}

function flowPacket (flow: FlowSpec, pointer: string, places: SimErrorPlace[]): Uint8Array {
  const built = buildFlowPacket(flow)
  if (built.ok) return built.packet
  places.push({ pointer: `${pointer}/${built.member}`, detail: built.message })
  return new Uint8Array()
}

function hexPacket (hex: string, pointer: string, places: SimErrorPlace[]): Uint8Array {
  const problem = hexProblem(hex)
  if (problem === null) return Uint8Array.from(Buffer.from(hex, 'hex'))
  places.push({ pointer, detail: problem })
  return new Uint8Array()
}

function hexProblem (hex: string): string | null {
  if (hex.length % 2 !== 0) return `${hex.length} hex digits are not whole bytes`
  const stray = hex.search(/[^0-9a-fA-F]/)
  if (stray >= 0) return `${JSON.stringify(hex[stray])} at character ${stray} is no hex digit`
  const bytes = hex.length / 2
  if (bytes < PACKET_BYTES_MIN) return `${bytes} bytes are fewer than the ${PACKET_BYTES_MIN} of an Ethernet header`
  return bytes > PACKET_BYTES_MAX ? `${bytes} bytes are more than the ${PACKET_BYTES_MAX} that one page holds` : null
}

/** steps that end with a packet on its way to a backend */
const toBackends: ReadonlySet<string> = new Set(['ipv4', 'ipv6', 'icmp_error'])

/** @param outcome what the program counted the packet as; null after a fault */
export function describeRun (emulated: EmulatedNode, packet: Uint8Array, run: RunResult, outcome: Reason | null): NodeLookup {
  const verdict = run.fault === null ? xdpVerdicts[run.retval] ?? 'XDP_ABORTED' : 'XDP_ABORTED'
  return {
    node: emulated.settings.name,
    verdict,
    backend: outcome !== null && verdict === 'XDP_TX' && toBackends.has(outcome.name) ? sentTo(emulated, packet, run.packet) : null,
    drop: outcome !== null && outcome.code !== null ? { code: outcome.code, step: outcome.name } : null,
    packet: Buffer.from(run.packet).toString('hex'),
    cost: run.cost,
    fault: run.fault === null ? null : { code: run.fault.code, message: run.fault.message }
  }
}

/** same verdict and same backend address on every node; ids are each node's own */
export function nodesAgree (nodes: readonly NodeLookup[]): boolean {
  const [first] = nodes
  return first === undefined || nodes.every((node) => node.verdict === first.verdict && node.drop?.step === first.drop?.step &&
    node.backend?.address === first.backend?.address && node.backend?.port === first.backend?.port)
}
