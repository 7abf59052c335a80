// How a flow came to its backend, step by step, for people: its frontend, whether the flow or its client was known, the
// hash of the flow, the slot of the Maglev table, what that slot holds, and the step that ended it. Hash, M and slot are read from the
// registers of the traced run, so that nothing is computed here that the program did not compute; what the program met in the node's
// maps is read from them before it runs.

import { BPF_ALU, BPF_DIV, BPF_X } from '../bpf/isa/op.ts'
import {
  decodeAffinity, decodeConnection, encodeAffinityKey, encodeConnectionKey, mapNames, serviceFlags, serviceFlags2, splitFrontendWord
} from '../datapath/index.ts'
import type { LoadedProgram } from '../bpf/syscall/index.ts'
import type { Reason } from '../datapath/index.ts'
import { frontendKey } from '../loadbalancer/index.ts'
import type { RealisedFrontend } from '../loadbalancer/index.ts'
import { hasServiceFormOf117, parseSeed } from '../maglev/index.ts'
import { formatAddress, parsePacket, transportName } from '../packet/index.ts'
import type { NetworkHeader, TransportHeader } from '../packet/index.ts'
import type { EmulatedNode } from './node.ts'
import { namedFrontend, tableMap } from './node-views.ts'
import type { LookupExplanation, PacketOrigin, TraceStep } from './types.ts'

/** What the maps have for a packet before it comes. */
export interface Met {
  readonly asked: Asked | null
  readonly from: PacketOrigin
  readonly connection: LookupExplanation['connection']
  readonly affinity: LookupExplanation['affinity']
}

interface Asked {
  readonly network: NetworkHeader
  readonly transport: TransportHeader
  readonly frontend: RealisedFrontend
}

/** @param uptimeMs of the machine's clock */
export function meet (emulated: EmulatedNode, packet: Uint8Array, uptimeMs: number, from: PacketOrigin): Met {
  const asked = addressee(emulated, packet, from)
  if (asked === null) return { asked, from, connection: null, affinity: null }
  return { asked, from, connection: connectionOf(emulated, asked, uptimeMs), affinity: affinityOf(emulated, asked, uptimeMs) }
}

/** @param outcome what the program counted the packet as; null after a fault */
export function explain (emulated: EmulatedNode, met: Met, steps: readonly TraceStep[], outcome: Reason | null): LookupExplanation {
  const { asked, from, connection, affinity } = met
  const ended = outcome === null ? null : { step: outcome.name, code: outcome.code, text: outcome.text }
  const division = asked === null ? null : firstDivision(emulated.datapath.programOf(from), steps)
  const known = { frontend: asked === null ? null : namedFrontend(asked.frontend), connection, affinity, ended }
  if (asked === null || division === null) return { ...known, draw: null, hash: null, hashInputs: null, slot: null }
  const { dividend: hash, divisor: m, quotient } = division
  const index = hash - quotient * m
  // where no table is asked, what is divided is no hash but drawn
  if (asked.frontend.table === null || from === 'inside') {
    const backendId = asked.frontend.slots[index]?.backendId ?? null
    return { ...known, draw: { of: m, slot: index + 1, backendId }, hash: null, hashInputs: null, slot: null }
  }
  const table = tableMap(emulated, asked.frontend)
  const outer = table === undefined || emulated.settings.layout === 'flat' ? null : { key: asked.frontend.id, mapId: table.mapId }
  const slot = { m, index, backendId: table?.read()[index] ?? null, outer }
  return { ...known, draw: null, hash: hex(hash), hashInputs: hashInputs(emulated, asked), slot }
}

/** What the services map has under the packet's destination, port and protocol. */
function addressee ({ node }: EmulatedNode, packet: Uint8Array, from: PacketOrigin): Asked | null {
  const { network, transport } = parsePacket(packet)
  const protocol = transportName(network?.protocol ?? -1)
  if (network === null || transport === null || protocol === undefined) return null
  const address = { address: formatAddress(network.destination), port: transport.destinationPort, protocol }
  const outside = node.frontend(frontendKey(address))
  const frontend = outside !== undefined && from === 'inside' && (outside.flags & serviceFlags2.twoScopes << 8) !== 0
    ? node.frontend(frontendKey({ ...address, scope: 'internal' }))
    : outside
  return frontend === undefined ? null : { network, transport, frontend }
}

function connectionOf ({ settings, datapath }: EmulatedNode, { network, transport, frontend }: Asked, uptimeMs: number): LookupExplanation['connection'] {
  if (!settings.conntrack) return null
  const { family, destination, source, protocol } = network
  const { sourcePort, destinationPort } = transport
  const found = datapath.map(mapNames.conntrack[family]).lookup(
    encodeConnectionKey({ destination, source, sourcePort, destinationPort, protocol, kind: 'service' }))
  if (!found.ok) return { state: 'none', backendId: null, endsInSeconds: null }
  const { backendId, endsAtSeconds, closing, revNatId } = decodeConnection(found.value)
  const endsInSeconds = endsAtSeconds - Math.floor(uptimeMs / 1000)
  // before 1.17 it counts only while its service is the one that it was made to
  const isOfOther = !hasServiceFormOf117(settings.release) && revNatId !== frontend.id
  return { state: endsInSeconds <= 0 ? 'ended' : isOfOther ? 'other-service' : closing ? 'closing' : 'established', backendId, endsInSeconds: Math.max(0, endsInSeconds) }
}

function affinityOf ({ datapath }: EmulatedNode, { network, frontend }: Asked, uptimeMs: number): LookupExplanation['affinity'] {
  if ((frontend.flags & serviceFlags.affinity) === 0) return null
  const { affinityTimeoutSeconds: timeoutSeconds } = splitFrontendWord(frontend.word)
  const found = datapath.map(mapNames.affinity[network.family]).lookup(encodeAffinityKey(network.source, frontend.id))
  if (!found.ok) return { timeoutSeconds, backendId: null, endsInMs: null }
  const { backendId, lastUsedMs } = decodeAffinity(found.value)
  return { timeoutSeconds, backendId, endsInMs: Math.max(0, lastUsedMs + timeoutSeconds * 1000 - uptimeMs) }
}

function hashInputs ({ settings }: EmulatedNode, { network, transport, frontend }: Asked): LookupExplanation['hashInputs'] {
  const seed = parseSeed(settings.seed)
  const since117 = settings.release === '1.17+'
  const ofClient = since117 && (frontend.flags & serviceFlags.affinity) !== 0
  return {
    source: formatAddress(network.source),
    sourcePort: ofClient ? 0 : transport.sourcePort,
    destinationPort: transport.destinationPort,
    protocol: network.protocol,
    seed: seed.ok ? (network.family === 4 ? seed.seed.jhash4 : seed.seed.jhash6) : 0,
    portOrder: since117 ? 'destination-first' : 'source-first'
  }
}

interface Division {
  readonly dividend: number
  readonly divisor: number
  readonly quotient: number
}

/**
 * Where a table is asked, every layout divides first the hash by M, and where a slot is drawn the random number is divided by their count;
 * the compiler makes of `%` a division, a multiplication and a subtraction.
 */
function firstDivision ({ translated: { insns } }: LoadedProgram, steps: readonly TraceStep[]): Division | null {
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
