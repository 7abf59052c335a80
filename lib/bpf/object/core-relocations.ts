// CO-RE relocations: a program compiled against one layout of a kernel struct is adjusted to the kernel it is loaded into. What is known of
// a kernel's structs is what its profile knows; the rest is refused by name, for a wrong offset would be worse than none.
//
// Source: the kernel's documentation (Documentation/bpf/llvm_reloc.rst); numbers of kinds as in enum bpf_core_relo_kind.

import type { Insn } from '../isa/index.ts'
import { BPF_ALU, BPF_ALU64, BPF_LDX, BPF_ST, BPF_STX, BPF_X, LD_IMM64, accessBytes, classOf, sourceOf } from '../isa/op.ts'
import { failure, success } from '../profile/errno.ts'
import type { Result } from '../profile/errno.ts'
import type { StructLayout } from '../profile/types.ts'
import type { CoreRelocation } from './spec.ts'

const FIELD_BYTE_OFFSET = 0
const FIELD_BYTE_SIZE = 1
const FIELD_EXISTS = 2
const FIELD_SIGNED = 3
const TYPE_EXISTS = 8
const TYPE_SIZE = 9

const KIND_NAMES = [
  'byte offset', 'byte size', 'existence', 'signedness', 'left shift', 'right shift', 'local type id', 'target type id', 'existence', 'size',
  'existence of enumerator', 'value of enumerator', 'match'
]

interface Field { readonly offset: number, readonly size: number, readonly signed: boolean }
interface Struct {
  /** absent where a profile knows some of its fields only */
  readonly size?: number
  readonly fields: Readonly<Record<string, Field>>
}
type Structs = Readonly<Record<string, Struct>>

/** Structs whose layout the profile gives, by name; fields by path. */
function structsOf ({ bpfMap, xdpBuff, xdpRxqInfo, netDevice }: StructLayout): Structs {
  const u32 = (offset: number): Field => ({ offset, size: 4, signed: false })
  const pointer = (offset: number): Field => ({ offset, size: 8, signed: false })
  return {
    bpf_map: {
      size: bpfMap.size,
      fields: {
        map_type: u32(bpfMap.mapType),
        key_size: u32(bpfMap.keySize),
        value_size: u32(bpfMap.valueSize),
        max_entries: u32(bpfMap.maxEntries),
        map_flags: u32(bpfMap.mapFlags),
        id: u32(bpfMap.id)
      }
    },
    xdp_buff: {
      size: xdpBuff.size,
      fields: {
        data: pointer(xdpBuff.data),
        data_end: pointer(xdpBuff.dataEnd),
        data_meta: pointer(xdpBuff.dataMeta),
        data_hard_start: pointer(xdpBuff.dataHardStart),
        rxq: pointer(xdpBuff.rxq),
        txq: pointer(xdpBuff.txq),
        frame_sz: u32(xdpBuff.frameSize),
        flags: u32(xdpBuff.flags)
      }
    },
    xdp_rxq_info: { fields: { dev: pointer(xdpRxqInfo.dev), queue_index: u32(xdpRxqInfo.queueIndex) } },
    net_device: { fields: { ifindex: { offset: netDevice.ifindex, size: 4, signed: true } } }
  }
}

/** @returns the instructions for a kernel with these structs; EOPNOTSUPP with the name of what cannot be resolved */
export function applyCoreRelocations (insns: readonly Insn[], relocations: readonly CoreRelocation[], known: StructLayout): Result<Insn[]> {
  const structs = structsOf(known)
  const patched = [...insns]
  for (const relocation of relocations) {
    const value = resolve(structs, relocation)
    if (value === undefined) return failure('EOPNOTSUPP', `${describe(relocation)}: this kernel's layout is not known`)
    const problem = patch(patched, relocation, value, fieldOf(structs, relocation))
    if (problem !== undefined) return failure('EINVAL', `${describe(relocation)}: ${problem}`)
  }
  return success(patched)
}

function describe ({ insn, type, path, kind }: CoreRelocation): string {
  return `instruction ${insn}: ${KIND_NAMES[kind] ?? `CO-RE relocation ${kind}`} of ${type}${path === '' ? '' : `.${path}`}`
}

/** Flavours of a struct (`bpf_map___old`) stand for the struct itself. */
function structOf (structs: Structs, { type }: CoreRelocation): Struct | undefined {
  const name = type.replace(/___.*$/, '')
  return Object.hasOwn(structs, name) ? structs[name] : undefined
}

function fieldOf (structs: Structs, relocation: CoreRelocation): Field | undefined {
  const fields = structOf(structs, relocation)?.fields ?? {}
  return Object.hasOwn(fields, relocation.path) ? fields[relocation.path] : undefined
}

function resolve (structs: Structs, relocation: CoreRelocation): number | undefined {
  const struct = structOf(structs, relocation)
  const field = fieldOf(structs, relocation)
  switch (relocation.kind) {
    case FIELD_BYTE_OFFSET: return field?.offset
    case FIELD_BYTE_SIZE: return field?.size
    case FIELD_EXISTS: return field === undefined ? undefined : 1
    case FIELD_SIGNED: return field === undefined ? undefined : Number(field.signed)
    case TYPE_EXISTS: return struct === undefined ? undefined : 1
    case TYPE_SIZE: return struct?.size
    default: return undefined
  }
}

/** @returns what keeps the instruction from taking the value, or undefined when it has it */
function patch (insns: Insn[], { insn: slot, kind }: CoreRelocation, value: number, field: Field | undefined): string | undefined {
  const insn = insns[slot]
  if (insn === undefined) return `the program has ${insns.length} slots`
  switch (classOf(insn.code)) {
    case BPF_ALU: case BPF_ALU64:
      if (sourceOf(insn.code) === BPF_X) return 'the instruction takes no immediate'
      insns[slot] = { ...insn, imm: value }
      return undefined
    case BPF_LDX: case BPF_ST: case BPF_STX:
      if (kind !== FIELD_BYTE_OFFSET) return 'the instruction takes an offset only'
      if (value > 0x7fff) return `offset ${value} does not fit 16 bits`
      if (field !== undefined && field.size !== accessBytes(insn.code)) {
        return `the field has ${field.size} bytes, the access ${accessBytes(insn.code)}`
      }
      insns[slot] = { ...insn, off: value }
      return undefined
    default:
      return patchWide(insns, slot, insn, value)
  }
}

function patchWide (insns: Insn[], slot: number, insn: Insn, value: number): string | undefined {
  const upper = insns[slot + 1]
  if (insn.code !== LD_IMM64 || insn.src !== 0 || upper === undefined) return 'the instruction holds neither an immediate nor an offset'
  insns[slot] = { ...insn, imm: value }
  insns[slot + 1] = { ...upper, imm: 0 }
  return undefined
}
