// Programs and maps of the verifier's tests in the running kernel.

import { mapTypeNumbers, programTypeNumbers } from '../../../lib/bpf/profile/names.ts'
import { encode } from '../../../lib/bpf/isa/index.ts'
import { errnoNumbers } from '../../../lib/bpf/profile/errno.ts'
import type { Bpf } from '../../../src/live-kernel/bpf.ts'
import { mapRefsOf } from '../../verifier/support.ts'
import type { TestMap, TestProgram } from '../../verifier/support.ts'

export interface Loaded {
  /** negative: refused */
  readonly fd: number
  readonly log: string
}

export function createTestMap (bpf: Bpf, map: TestMap): number {
  const { type, keySize = 4, valueSize = 4, maxEntries = 1, flags = 0, inner, contents } = map
  const innerFd = inner === undefined ? 0 : createTestMap(bpf, inner)
  const fd = bpf.mapCreate({ type: mapTypeNumbers[type], keySize, valueSize, maxEntries, flags, innerFd })
  if (inner !== undefined) bpf.close(innerFd)
  if (fd < 0) throw new Error(`map ${JSON.stringify(map)}: errno ${-fd}`)
  if (contents !== undefined) {
    bpf.update(fd, new Uint8Array(4), contents)
    bpf.freeze(fd)
  }
  return fd
}

/** Loads a program, its maps by their place in the list; `use` gets what came of it, then all is closed. */
export function withProgram<T> (
  bpf: Bpf, program: TestProgram, use: (loaded: Loaded) => T, fds = (program.maps ?? []).map((map) => createTestMap(bpf, map))
): T {
  const places = new Set(mapRefsOf(program.insns).map(({ insn }) => insn))
  const insns = program.insns.map((insn, index) => places.has(index) ? { ...insn, imm: fds[insn.imm] ?? insn.imm } : insn)
  const loaded = bpf.programLoad({ type: programTypeNumbers[program.type ?? 'xdp'], insns: encode(insns), license: 'GPL', logLevel: 2 })
  try {
    return use(loaded)
  } finally {
    if (loaded.fd >= 0) bpf.close(loaded.fd)
    for (const fd of fds) bpf.close(fd)
  }
}

export function errnoName (result: number): string {
  return Object.entries(errnoNumbers).find(([, number]) => number === -result)?.[0] ?? String(result)
}
