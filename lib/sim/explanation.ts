// How a flow came to its backend, step by step, for people: which frontend it is addressed to, the hash of the flow, the slot of the Maglev
// table, and what that slot holds. Hash, M and slot are read from the registers of the traced run, so that nothing is computed here that
// the program did not compute; what the slot holds is read back from the node's maps.

import { BPF_ALU, BPF_DIV, BPF_X } from '../bpf/isa/op.ts'
import { endpointKey } from '../loadbalancer/index.ts'
import type { RealisedFrontend } from '../loadbalancer/index.ts'
import { formatAddress, parsePacket, transportName } from '../packet/index.ts'
import type { EmulatedNode } from './node.ts'
import { tableMap } from './node-views.ts'
import type { LookupExplanation, TraceStep } from './types.ts'

/** @param packet as it came in */
export function explain (emulated: EmulatedNode, packet: Uint8Array, steps: readonly TraceStep[]): LookupExplanation {
  const frontend = addressee(emulated, packet)
  const division = frontend === undefined ? null : firstDivision(emulated, steps)
  if (frontend === undefined || division === null) return { frontend: named(frontend), hash: null, slot: null }
  const { dividend: hash, divisor: m, quotient } = division
  const index = hash - quotient * m
  return { frontend: named(frontend), hash: hex(hash), slot: { m, index, backendId: tableMap(emulated, frontend)?.read()[index] ?? null } }
}

/** What the services map has under the packet's destination, port and protocol. */
function addressee ({ node }: EmulatedNode, packet: Uint8Array): RealisedFrontend | undefined {
  const { network, transport } = parsePacket(packet)
  if (network === null || transport === null) return undefined
  const protocol = transportName(network.protocol)
  if (protocol === undefined) return undefined
  return node.frontend(endpointKey({ address: formatAddress(network.destination), port: transport.destinationPort, protocol }))
}

function named (frontend: RealisedFrontend | undefined): LookupExplanation['frontend'] {
  if (frontend === undefined) return null
  const [namespace = '', name = ''] = frontend.service.split('/')
  const { address, port, protocol } = frontend.frontend
  return { id: frontend.id, service: { namespace, name }, address, port, protocol }
}

interface Division {
  readonly dividend: number
  readonly divisor: number
  readonly quotient: number
}

/** Every layout divides first the hash by M; the compiler makes of `%` a division, a multiplication and a subtraction. */
function firstDivision ({ datapath }: EmulatedNode, steps: readonly TraceStep[]): Division | null {
  const { insns } = datapath.program.translated
  const at = steps.findIndex(({ insn }) => insns[insn]?.code === (BPF_ALU | BPF_DIV | BPF_X))
  const insn = insns[steps[at]?.insn ?? -1]
  const before = steps[at - 1]
  const after = steps[at]
  if (insn === undefined || before === undefined || after === undefined) return null
  return { dividend: word(before, insn.dst), divisor: word(before, insn.src), quotient: word(after, insn.dst) }
}

/** the lower half of a register: hashes are of 32 bits */
const word = ({ registers }: TraceStep, register: number): number => Number(BigInt(registers[register] ?? '0x0') & 0xffff_ffffn)

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`
