// A program image bound to one execution: its records in linear memory with the addresses of that execution's registers,
// and the arrays that count how often each ran (assembly/exec-layout.ts, BINDING_*).

import {
  BINDING_BYTES, BINDING_CODE, BINDING_COUNT, BINDING_DIFF, BINDING_INFO, BINDING_PROFILE, EXEC_R0, RECORD_BYTES, RECORD_DST,
  RECORD_IMM, RECORD_SRC
} from './assembly/exec-layout.ts'
import type { Core } from './core.ts'
import { RELOCATE_DST, RELOCATE_SRC, TARGET_IN_IMM, TARGET_IN_SRC } from './program-image.ts'
import type { ProgramImage } from './program-image.ts'

export interface Binding {
  readonly address: number
  readonly code: number
  readonly profile: number
}

const REGISTER_BYTES = 8

/** @returns null when the memory is exhausted; free with `core.free(binding.address)` */
export function bindImage (core: Core, image: ProgramImage, execution: number): Binding | null {
  const records = image.slotOfRecord.length
  const code = BINDING_BYTES
  const profile = code + records * RECORD_BYTES
  const diff = profile + records * 8
  const info = diff + (records + 1) * 4
  const address = core.alloc(info + records * 2)
  if (address === 0) return null
  const bytes = core.bytes()
  bytes.set(image.template, address + code)
  bytes.set(new Uint8Array(image.info.buffer, image.info.byteOffset, image.info.byteLength), address + info)
  const view = core.view()
  view.setUint32(address + BINDING_CODE, address + code, true)
  view.setUint32(address + BINDING_COUNT, records, true)
  view.setUint32(address + BINDING_DIFF, address + diff, true)
  view.setUint32(address + BINDING_INFO, address + info, true)
  view.setUint32(address + BINDING_PROFILE, address + profile, true)
  relocate(view, image, address + code, execution + EXEC_R0)
  return { address, code: address + code, profile: address + profile }
}

function relocate (view: DataView, image: ProgramImage, code: number, registers: number): void {
  const register = (at: number): void => view.setUint32(at, registers + view.getUint32(at, true) * REGISTER_BYTES, true)
  const target = (at: number): void => view.setUint32(at, code + view.getUint32(at, true) * RECORD_BYTES, true)
  image.relocations.forEach((fields, record) => {
    const at = code + record * RECORD_BYTES
    if ((fields & RELOCATE_DST) !== 0) register(at + RECORD_DST)
    if ((fields & RELOCATE_SRC) !== 0) register(at + RECORD_SRC)
    if ((fields & TARGET_IN_SRC) !== 0) target(at + RECORD_SRC)
    if ((fields & TARGET_IN_IMM) !== 0) target(at + RECORD_IMM)
  })
}
