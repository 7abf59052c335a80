// Programs in tests are written as text.

import { assemble, encode } from '../../lib/bpf/isa/index.ts'
import type { Insn } from '../../lib/bpf/isa/index.ts'

/** @throws Error with the line that is no instruction */
export function asm (text: string): Insn[] {
  const assembled = assemble(text)
  if (!assembled.ok) throw new Error(assembled.error.message)
  return assembled.value
}

export function asmBytes (text: string): Uint8Array {
  return encode(asm(text))
}
