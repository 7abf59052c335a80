// Loads of struct xdp_md, the context programs see, as loads of the kernel's own struct xdp_buff and what hangs off it.

import { insn, load } from '../isa/build.ts'
import { BPF_ALU64, BPF_DW, BPF_MEMSX, BPF_MOV, BPF_W, BPF_X, accessBytes, modeOf } from '../isa/op.ts'
import type { Insn } from '../isa/insn.ts'
import type { KernelProfile, StructLayout } from '../profile/types.ts'
import type { ContextField } from '../verifier/facts.ts'
import { provedAccess } from './emitted.ts'
import type { Emitted } from './emitted.ts'

/** Offsets to follow from the context, the last one of a u32 or of a pointer. */
interface Path {
  readonly pointers: readonly number[]
  readonly last: { readonly offset: number, readonly size: typeof BPF_W | typeof BPF_DW }
}

function pathOf (offset: number, { xdpBuff, xdpRxqInfo, netDevice }: StructLayout): Path | null {
  switch (offset) {
    case 0: return { pointers: [], last: { offset: xdpBuff.data, size: BPF_DW } }
    case 4: return { pointers: [], last: { offset: xdpBuff.dataEnd, size: BPF_DW } }
    case 8: return { pointers: [], last: { offset: xdpBuff.dataMeta, size: BPF_DW } }
    case 12: return { pointers: [xdpBuff.rxq, xdpRxqInfo.dev], last: { offset: netDevice.ifindex, size: BPF_W } }
    case 16: return { pointers: [xdpBuff.rxq], last: { offset: xdpRxqInfo.queueIndex, size: BPF_W } }
    default: return null
  }
}

/** @returns the loads in place of one of a context field, or null: the load stays */
export function contextLoad (original: Insn, field: ContextField, profile: KernelProfile): Emitted[] | null {
  const path = pathOf(field.offset, profile.structs)
  if (path === null) return null
  const { dst, src } = original
  const steps = [...path.pointers.map((offset) => ({ offset, size: BPF_DW })), path.last]
  const loads: Emitted[] = steps.map(({ offset, size }, index) => ({
    ...load(size, dst, index === 0 ? src : dst, offset),
    access: provedAccess(index === 0 ? 'ctx' : 'kernel', size === BPF_DW ? 8 : 4, 'load')
  }))
  const isSigned = modeOf(original.code) === BPF_MEMSX
  return isSigned ? [...loads, insn(BPF_ALU64 | BPF_MOV | BPF_X, dst, dst, accessBytes(original.code) * 8, 0)] : loads
}
