// Instructions as the rewrites emit them, before they have a place in the translated program.

import { BPF_DW, BPF_W } from '../isa/op.ts'
import { load } from '../isa/build.ts'
import type { Access, Region } from '../verifier/facts.ts'
import type { TranslatedInsn } from './translated.ts'

export type Emitted = Omit<TranslatedInsn, 'origin'>

/** A load that the verifier need not look at: it is proved by what stands around it. */
export function provedLoad (size: typeof BPF_W | typeof BPF_DW, dst: number, src: number, off: number, region: Region): Emitted {
  return { ...load(size, dst, src, off), access: provedAccess(region, size === BPF_W ? 4 : 8, 'load') }
}

export function provedAccess (region: Region, size: number, kind: Access['kind']): Access {
  return { region, size, kind, proved: true }
}
