// A translated program pre-decoded for the interpreter: one 16-byte record per instruction (assembly/exec-layout.ts), a
// wide immediate being one. An image is plain data, the same for every execution; register numbers and record indices
// become addresses when an execution binds it (binding.ts), because each execution has registers of its own. It may be
// posted to another thread as it is.

import { BPF_X, CALL, EXIT, isConditionalJump, JUMP, JUMP_LONG, LD_IMM64, sourceOf } from '../isa/op.ts'
import { failure, success } from '../profile/errno.ts'
import type { Result } from '../profile/errno.ts'
import type { TranslatedInsn, TranslatedProgram } from '../rewrite/translated.ts'
import type { Access } from '../verifier/facts.ts'
import {
  COST_ATOMIC, COST_LOAD, COST_MAP_CALL, COST_MAP_LOOKUP, COST_STORE, NOTE_IS_STORE, NOTE_REGION_SHIFT, RECORD_BYTES, RECORD_DST,
  RECORD_IMM, RECORD_OFF, RECORD_OPERATION, RECORD_SRC
} from './assembly/exec-layout.ts'
import * as op from './assembly/exec-opcodes.ts'
import type { Core } from './core.ts'
import { regions } from './cost.ts'
import { decodeOperation, sizeLog } from './decode.ts'

/** Where a map of the program lies: the map itself, and its first value for direct access. */
export interface MapAddresses {
  readonly address: number
  readonly valueAddress: number
}

export interface ProgramImage {
  /** slots of the translated program */
  readonly slots: number
  /** slot of each record */
  readonly slotOfRecord: Uint32Array
  /** the records, with register numbers and record indices where addresses will stand */
  readonly template: Uint8Array
  /** per record, bits RELOCATE_*: which fields those are */
  readonly relocations: Uint8Array
  /** u16 per record as BINDING_INFO */
  readonly info: Uint16Array
}

export const RELOCATE_DST = 1
export const RELOCATE_SRC = 2
export const TARGET_IN_SRC = 4
export const TARGET_IN_IMM = 8

/** the helper that finds a map's own function first */
const GENERIC_LOOKUP = 'bpf_map_lookup_elem'
const MAX_REGISTER = 11
const MAX_INSNS = 1_000_000

/** What an image is built with, per program. */
interface Loading {
  readonly insns: readonly TranslatedInsn[]
  readonly maps: readonly MapAddresses[]
  /** -1: the second slot of a wide immediate */
  readonly recordOfSlot: Int32Array
  readonly view: DataView
  readonly relocations: Uint8Array
  readonly info: Uint16Array
}

export interface ImageOptions {
  /** makes a program to be watched: it does the same, and notes what it touches (notes.ts); its counters count the noting too */
  readonly notes?: boolean
}

/**
 * Pre-decodes a program.
 * @param maps by index into the program's used maps
 * @returns the image, or EINVAL with the slot and what no engine can run in it
 */
export function loadImage (
  core: Core, translated: TranslatedProgram, maps: readonly MapAddresses[], { notes = false }: ImageOptions = {}
): Result<ProgramImage> {
  const { insns } = translated
  if (insns.length === 0 || insns.length > MAX_INSNS) return failure('E2BIG', `a program has 1 to ${MAX_INSNS} instructions, not ${insns.length}`)
  const stray = maps.findIndex((map) => core.exports.isMap(map.address) === 0)
  if (stray >= 0) return failure('EINVAL', `there is no map at 0x${maps[stray]?.address.toString(16)}, which was given as map ${stray}`)
  const noted = insns.map((insn) => notes ? noteOperation(insn) : undefined)
  const { recordOfSlot, records } = numberRecords(insns, noted)
  const template = new Uint8Array(records * RECORD_BYTES)
  const loading = {
    insns, maps, recordOfSlot, view: new DataView(template.buffer), relocations: new Uint8Array(records), info: new Uint16Array(records)
  }
  const slotOfRecord = new Uint32Array(records)
  for (let slot = 0; slot < insns.length; slot++) {
    const record = recordOfSlot[slot] ?? -1
    if (record < 0) continue
    slotOfRecord[record] = slot
    const note = noted[slot]
    if (note !== undefined) writeNote(loading, slot, record, note)
    const own = note === undefined ? record : record + 1
    slotOfRecord[own] = slot
    const problem = writeRecord(loading, slot, own)
    if (problem !== null) return failure('EINVAL', `instruction ${slot}: ${problem}`)
  }
  if (fallsThrough(insns, slotOfRecord[records - 1] ?? 0)) return failure('EINVAL', 'the last instruction is neither an exit nor a jump')
  return success({ slots: insns.length, slotOfRecord, template, relocations: loading.relocations, info: loading.info })
}

const holders = new WeakMap<Core, Map<ProgramImage, Set<() => void>>>()

/** Frees what the executions on this core hold for the image. It may be run again: they bind it anew. */
export function freeImage (core: Core, image: ProgramImage): void {
  const held = holders.get(core)
  for (const release of held?.get(image) ?? []) release()
  held?.delete(image)
}

/** An execution says how to release what it holds for an image. */
export function holdImage (core: Core, image: ProgramImage, release: () => void): void {
  const held = holders.get(core) ?? new Map<ProgramImage, Set<() => void>>()
  holders.set(core, held)
  const releases = held.get(image) ?? new Set()
  releases.add(release)
  held.set(image, releases)
}

export function unholdImage (core: Core, image: ProgramImage, release: () => void): void {
  holders.get(core)?.get(image)?.delete(release)
}

/** A slot's note comes before its record, so that jumps to the slot go to the note. */
function numberRecords (
  insns: readonly TranslatedInsn[], noted: ReadonlyArray<number | undefined>
): { recordOfSlot: Int32Array, records: number } {
  const recordOfSlot = new Int32Array(insns.length).fill(-1)
  let records = 0
  for (let slot = 0; slot < insns.length; slot++) {
    recordOfSlot[slot] = records
    records += noted[slot] === undefined ? 1 : 2
    if (insns[slot]?.code === LD_IMM64) slot++
  }
  return { recordOfSlot, records }
}

/** @returns the record that notes what the instruction touches; undefined: it touches nothing, or nothing is known of it */
function noteOperation (insn: TranslatedInsn): number | undefined {
  const operation = decodeOperation(insn)
  if (operation === undefined) return undefined
  if (operation >= op.LOAD8 && operation <= op.STORE_RELEASE) return isLoadOnly(operation) ? op.NOTE_LOAD : op.NOTE_STORE
  switch (operation) {
    case op.CALL_ARRAY_LOOKUP: return op.NOTE_ARRAY_LOOKUP
    case op.CALL_HTAB_LOOKUP: return op.NOTE_HTAB_LOOKUP
    case op.CALL_MAP_LOOKUP: return op.NOTE_MAP_LOOKUP
    default: return undefined
  }
}

const isLoadOnly = (operation: number): boolean => operation <= op.LOADSX32 || operation === op.LOAD_ACQUIRE

function writeNote ({ insns, view, relocations }: Loading, slot: number, record: number, note: number): void {
  const insn = insns[slot] as TranslatedInsn
  const at = record * RECORD_BYTES
  const isStore = note === op.NOTE_STORE
  const region = insn.access === undefined ? 0 : regions.indexOf(insn.access.region)
  const touched = 1 << sizeLog(insn.code) | region << NOTE_REGION_SHIFT | (isStore ? NOTE_IS_STORE : 0)
  view.setUint8(at + RECORD_OPERATION, note)
  view.setInt16(at + RECORD_OFF, insn.off, true)
  view.setUint32(at + RECORD_DST, insn.dst, true)
  view.setUint32(at + RECORD_SRC, insn.src, true)
  view.setInt32(at + RECORD_IMM, insn.access === undefined ? Number(insn.call === GENERIC_LOOKUP) : touched, true)
  relocations[record] = RELOCATE_DST | RELOCATE_SRC
}

function fallsThrough (insns: readonly TranslatedInsn[], last: number): boolean {
  const code = insns[last]?.code
  return code !== EXIT && code !== JUMP && code !== JUMP_LONG
}

/** @returns null, or what is wrong with the instruction */
function writeRecord (loading: Loading, slot: number, record: number): string | null {
  const insn = loading.insns[slot] as TranslatedInsn
  if (insn.dst > MAX_REGISTER || insn.src > MAX_REGISTER) return `there is no register r${Math.max(insn.dst, insn.src)}`
  const operation = decodeOperation(insn)
  if (operation === undefined) return unknownOperation(insn)
  const { view } = loading
  const at = record * RECORD_BYTES
  view.setInt16(at + RECORD_OFF, insn.off, true)
  view.setUint32(at + RECORD_DST, insn.dst, true)
  view.setUint32(at + RECORD_SRC, insn.src, true)
  view.setInt32(at + RECORD_IMM, insn.imm, true)
  loading.relocations[record] = RELOCATE_DST | RELOCATE_SRC
  const isAccess = operation >= op.LOAD8 && operation <= op.STORE_RELEASE
  if (isAccess && insn.access === undefined) return 'a memory access that nothing says the region of'
  const checked = isAccess && insn.access?.proved === false ? op.CHECKED : 0
  view.setUint8(at + RECORD_OPERATION, operation + checked)
  loading.info[record] = costClass(insn, operation) | (isAccess && insn.access !== undefined ? accessByte(insn, insn.access) << 8 : 0)
  if (operation === op.LOAD_ACQUIRE || operation === op.STORE_RELEASE) view.setInt32(at + RECORD_IMM, sizeLog(insn.code), true)
  if (operation === op.LOAD_IMM64) return writeWide(loading, slot, record)
  if (operation === op.CALL_LOCAL) return writeTarget(loading, record, slot + 1 + insn.imm, TARGET_IN_SRC)
  if (operation >= op.JUMP && operation <= op.JSLE32_X) return writeJump(loading, insn, slot, record)
  return null
}

function unknownOperation (insn: TranslatedInsn): string {
  if (insn.code === CALL && insn.src === 0) return `no engine has the kernel function ${insn.call ?? `#${insn.imm}`}`
  return `opcode 0x${insn.code.toString(16).padStart(2, '0')} (off ${insn.off}, imm ${insn.imm}) is not one that can be run`
}

function writeJump (loading: Loading, insn: TranslatedInsn, slot: number, record: number): string | null {
  const target = slot + 1 + (insn.code === JUMP_LONG ? insn.imm : insn.off)
  const byRegister = isConditionalJump(insn.code) && sourceOf(insn.code) === BPF_X
  return writeTarget(loading, record, target, byRegister ? TARGET_IN_IMM : TARGET_IN_SRC)
}

function writeTarget (loading: Loading, record: number, slot: number, field: number): string | null {
  const target = loading.recordOfSlot[slot] ?? -1
  if (target < 0) return `jump to ${slot}, where no instruction begins`
  loading.view.setUint32(record * RECORD_BYTES + (field === TARGET_IN_SRC ? RECORD_SRC : RECORD_IMM), target, true)
  loading.relocations[record] = RELOCATE_DST | field | (field === TARGET_IN_SRC ? 0 : RELOCATE_SRC)
  return null
}

function writeWide ({ insns, maps, view, relocations }: Loading, slot: number, record: number): string | null {
  const insn = insns[slot] as TranslatedInsn
  const second = insns[slot + 1]
  if (second === undefined) return 'a wide immediate without its second half'
  relocations[record] = RELOCATE_DST
  const at = record * RECORD_BYTES + RECORD_SRC
  if (insn.mapRef === undefined) {
    if (insn.src !== 0) return `a wide immediate of kind ${insn.src} that names no map`
    view.setInt32(at, insn.imm, true)
    view.setInt32(at + 4, second.imm, true)
    return null
  }
  const map = maps[insn.mapRef.usedMap]
  if (map === undefined) return `the program's map ${insn.mapRef.usedMap} was not given`
  view.setUint32(at, insn.mapRef.valueOffset === null ? map.address : map.valueAddress + insn.mapRef.valueOffset, true)
  view.setUint32(at + 4, 0, true)
  return null
}

function costClass (insn: TranslatedInsn, operation: number): number {
  const flags = (insn.mapLookup === true ? COST_MAP_LOOKUP : 0) | (insn.mapCall === true ? COST_MAP_CALL : 0)
  if (operation < op.LOAD8 || operation > op.STORE_RELEASE || insn.access === undefined) return flags
  return flags | (accessBase(operation) + regions.indexOf(insn.access.region))
}

function accessBase (operation: number): number {
  if (operation <= op.LOADSX32 || operation === op.LOAD_ACQUIRE) return COST_LOAD
  return operation <= op.STORE64_X || operation === op.STORE_RELEASE ? COST_STORE : COST_ATOMIC
}

function accessByte (insn: TranslatedInsn, access: Access): number {
  return regions.indexOf(access.region) | sizeLog(insn.code) << 4
}

/** Bytes, kind and region of a record's access, from its info word. */
export function accessOfInfo (info: number): { region: Access['region'], size: number, kind: Access['kind'] } {
  const base = info & 15
  const kind = base >= COST_ATOMIC ? 'atomic' : base >= COST_STORE ? 'store' : 'load'
  return { region: regions[info >> 8 & 15] ?? 'kernel', size: 1 << (info >> 12 & 15), kind }
}
