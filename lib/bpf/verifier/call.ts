// Helper calls: arguments against the prototype, the map against the helper, and what the call leaves in the registers.

import type { MapTypeName } from '../profile/names.ts'
import { mapTypeNumbers } from '../profile/names.ts'
import { checkMapAccess, checkMapPermission, checkPacketAccess, checkPlainPointer, regionOf } from './memory.ts'
import type { Direction } from './memory.ts'
import { GET_SMP_PROCESSOR_ID, LAST_HELPER, MAP_DELETE_ELEM, MAP_LOOKUP_ELEM, MAP_UPDATE_ELEM, helperPrototype } from './helpers.ts'
import type { ArgumentType, HelperPrototype } from './helpers.ts'
import type { VerifierMap } from './maps.ts'
import { UNKNOWN_NUMBER, UNSET, isNullable, isPacketOrEnd, isPointer, isScalar, ofScalar, pointer } from './register.ts'
import type { MapTarget, Register, RegisterType } from './register.ts'
import { refuse } from './refusal.ts'
import * as s from './scalar.ts'
import { checkStackArgument, checkStackSpan, constantKey, noteStackRead } from './stack.ts'
import { mapRegisters } from './state.ts'
import type { Walk } from './walk.ts'
import { OFFSET_MAX } from './alu.ts'
import * as w from './word.ts'

const BPF_F_INNER_MAP = 1 << 12
const CALLER_SAVED = 6

/** Which helpers a map type allows; types not listed allow lookup, update and delete. */
const MAP_HELPERS: Partial<Readonly<Record<MapTypeName, readonly number[]>>> = {
  prog_array: [],
  perf_event_array: [],
  stack_trace: [],
  cgroup_array: [],
  ringbuf: [],
  queue: [],
  stack: [],
  bloom_filter: [],
  cpumap: [],
  array_of_maps: [MAP_LOOKUP_ELEM],
  hash_of_maps: [MAP_LOOKUP_ELEM],
  devmap: [MAP_LOOKUP_ELEM],
  devmap_hash: [MAP_LOOKUP_ELEM],
  xskmap: [MAP_LOOKUP_ELEM],
  sockmap: [MAP_DELETE_ELEM],
  sockhash: [MAP_DELETE_ELEM]
}

interface Arguments {
  target: MapTarget | null
  /** of a lookup in an array: the key, where it is known */
  constantKey: number | null
}

export function walkHelperCall (walk: Walk): void {
  const { insn, program } = walk
  const prototype = helperPrototype(insn.imm) ?? refuse('EINVAL', insn.imm < 1 || insn.imm > LAST_HELPER
    ? `invalid func unknown#${insn.imm}`
    : `helper #${insn.imm} is not emulated`)
  if (prototype.programTypes?.includes(program.type) === false) {
    refuse('EINVAL', `program of this type cannot use helper ${prototype.name}#${prototype.id}`)
  }
  if (prototype.gplOnly && !program.isGplCompatible) refuse('EINVAL', 'cannot call GPL-restricted function from non-GPL compatible program')
  const found: Arguments = { target: null, constantKey: null }
  for (const [index, type] of prototype.arguments.entries()) checkArgument(walk, prototype, index + 1, type, found)
  if (found.target !== null) recordMap(walk, found.target, prototype)
  for (let number = 0; number < CALLER_SAVED; number++) walk.set(number, UNSET)
  walk.set(0, resultOf(walk, prototype, found))
  if (found.target !== null) checkCompatibility(found.target.map, prototype)
  if (prototype.movesPacket) forgetPacket(walk)
}

/** Pointers into the packet become numbers nobody knows; to who may not see addresses, nothing at all. */
function forgetPacket (walk: Walk): void {
  const forgotten = walk.program.isPrivileged ? UNKNOWN_NUMBER : UNSET
  mapRegisters(walk.state, (register) => isPacketOrEnd(register) ? forgotten : register)
}

function recordMap (walk: Walk, target: MapTarget, { id }: HelperPrototype): void {
  if (id === MAP_UPDATE_ELEM || id === MAP_DELETE_ELEM) checkMapPermission(target.map, '', 'write')
  walk.recordMapAtCall(target)
}

function checkArgument (walk: Walk, prototype: HelperPrototype, number: number, type: ArgumentType, found: Arguments): void {
  const register = walk.read(number)
  switch (type) {
    case 'anything':
      if (isPointer(register) && !walk.program.isPrivileged) refuse('EACCES', `R${number} leaks addr into helper function`)
      return
    case 'map':
      if (register.type !== 'map_ptr') refuse('EACCES', `R${number} type=${register.type} expected=map_ptr`)
      found.target = register.target as MapTarget
      return
    case 'map_key':
      return checkKey(walk, number, register, prototype, found)
    case 'map_value':
      return checkBuffer(walk, number, register, (found.target as MapTarget).map.valueSize, 'read')
    case 'context':
      if (register.type !== 'ctx') refuse('EACCES', `R${number} type=${register.type} expected=ctx`)
      return checkPlainPointer(register, number)
    case 'memory_or_null':
      if (!isNull(register) && !isNullable(register)) checkBufferType(number, register)
      return
    case 'size_or_zero':
      return checkSizedBuffer(walk, number, register)
  }
}

const isNull = (register: Register): boolean => isScalar(register) && s.isKnownZero(register.scalar)

/** The bytes before the size are judged by the most it can be. */
function checkSizedBuffer (walk: Walk, number: number, size: Register): void {
  if (!isScalar(size)) refuse('EACCES', `R${number} type=${size.type} expected=scalar`)
  if (w.isNegative(size.scalar.smin)) refuse('EACCES', `R${number} min value is negative, either use unsigned or 'var &= const'`)
  const most = w.toUnsignedNumber(size.scalar.umax)
  if (most >= OFFSET_MAX) refuse('EACCES', `R${number} unbounded memory access, use 'var &= const' or 'if (var < const)'`)
  const buffer = walk.register(number - 1)
  walk.rely(number - 1)
  if (most > 0 && isScalar(buffer)) refuse('EACCES', `R${number - 1} type=scalar expected=fp`)
  if (most > 0 && isNullable(buffer)) {
    refuse('EACCES', `R${number - 1} type=${buffer.type} expected=fp: the kernel takes it and reads at NULL where the look-up found nothing; ` +
      'compare it with 0 first')
  }
  if (!isScalar(buffer) && !isNullable(buffer)) checkBuffer(walk, number - 1, buffer, most, 'read')
  walk.rely(number)
}

function checkKey (walk: Walk, number: number, register: Register, prototype: HelperPrototype, found: Arguments): void {
  const { map, view } = found.target as MapTarget
  checkBuffer(walk, number, register, map.keySize, 'read')
  walk.recordKey(regionOf(register))
  const { profile, isPrivileged } = walk.program
  const isArray = map.type === 'array' || map.type === 'percpu_array'
  if (!profile.constantKeyElision || !isPrivileged || !isArray || prototype.id !== MAP_LOOKUP_ELEM) return
  const key = constantKey(walk, register, map.keySize)
  if (key === null || key >= map.maxEntries || (map.flags & BPF_F_INNER_MAP) !== 0) return
  if (view.inner && map.type === 'percpu_array') {
    refuse('EACCES', `constant key ${key} in an inner percpu_array: the kernel takes the template's ${map.maxEntries} entries for granted ` +
      'and drops the NULL check, though the inner map at run time may be smaller; use a key that is not a constant')
  }
  noteStackRead(walk, checkStackSpan(walk, number, 0, map.keySize, 'read from'), map.keySize, true)
  found.constantKey = key
}

/** The types of memory a helper may be handed; the kernel's list goes on with kinds that do not occur here. */
const BUFFERS: readonly RegisterType[] = ['fp', 'pkt', 'pkt_meta', 'map_value']
const BUFFER_LIST = 'fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_'

function checkBufferType (number: number, register: Register): void {
  if (!BUFFERS.includes(register.type)) refuse('EACCES', `R${number} type=${register.type} expected=${BUFFER_LIST}`)
}

function checkBuffer (walk: Walk, number: number, register: Register, size: number, direction: Direction): void {
  checkBufferType(number, register)
  switch (register.type) {
    case 'fp':
      checkStackArgument(walk, number, size, direction === 'write')
      return
    case 'map_value':
      checkMapPermission((register.target as MapTarget).map, '', direction)
      return checkMapAccess(walk, number, 0, size, direction)
    default: return checkPacketAccess(walk, number, 0, size)
  }
}

function resultOf (walk: Walk, prototype: HelperPrototype, { target, constantKey }: Arguments): Register {
  if (prototype.returns === 'map_value_or_null' && target !== null) {
    return constantKey === null
      ? pointer('map_value_or_null', { target, id: walk.newId() })
      : pointer('map_value', { target })
  }
  const { possibleCpus } = walk.program
  if (prototype.id !== GET_SMP_PROCESSOR_ID || possibleCpus === undefined) return UNKNOWN_NUMBER
  return ofScalar(below(possibleCpus))
}

/** @returns a number from 0 to `limit` - 1 */
function below (limit: number): s.Scalar {
  const scalar = s.draft(s.UNKNOWN)
  scalar.umax = scalar.smax = w.ofU32(limit - 1)
  scalar.umin = scalar.smin = w.ZERO
  scalar.u32max = scalar.s32max = limit - 1
  scalar.u32min = scalar.s32min = 0
  s.synchronize(scalar)
  return scalar
}

function checkCompatibility (map: VerifierMap, { id, name }: HelperPrototype): void {
  const allowed = MAP_HELPERS[map.type] ?? [MAP_LOOKUP_ELEM, MAP_UPDATE_ELEM, MAP_DELETE_ELEM]
  if (!allowed.includes(id)) refuse('EINVAL', `cannot pass map_type ${mapTypeNumbers[map.type]} into func ${name}#${id}`)
}
