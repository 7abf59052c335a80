// The same XDP program three times: in the running kernel, and in two emulated kernels, of which one runs it on the interpreter (alone and
// in a batch) and one on the tracer. Each has maps of its own, which the same packets change in the same way.

import { readFileSync } from 'node:fs'
import { compileCore, createBatch, createCore } from '../../../lib/bpf/core/index.ts'
import type { Cost } from '../../../lib/bpf/core/index.ts'
import { trace } from '../../../lib/bpf/engine/index.ts'
import { encode } from '../../../lib/bpf/isa/index.ts'
import { kernel618 } from '../../../lib/bpf/profile/kernel-6.18.ts'
import { programTypeNumbers } from '../../../lib/bpf/profile/names.ts'
import type { Result } from '../../../lib/bpf/profile/errno.ts'
import { createKernel } from '../../../lib/bpf/syscall/index.ts'
import type { Kernel, LoadedProgram } from '../../../lib/bpf/syscall/index.ts'
import type { Bpf } from '../../../src/live-kernel/bpf.ts'
import { mapRefsOf } from '../../verifier/support.ts'
import type { TestMap, TestProgram } from '../../verifier/support.ts'
import { createTestMap } from './verifier.ts'

/** What a packet became: r0 and the bytes, metadata before it left out. */
export interface Outcome {
  readonly retval: number
  readonly packet: string
}

export interface ProgramTwins {
  /** instructions the verifiers walked */
  readonly processed: { readonly kernel: number, readonly emulator: number }
  /** Puts an element into the map of that place, everywhere. */
  put (map: number, key: Uint8Array, value: Uint8Array): void
  kernel (packet: Uint8Array): Outcome & { readonly metadataBytes: number }
  interpreter (packet: Uint8Array): Outcome & { readonly cost: Cost }
  tracer (packet: Uint8Array): Outcome & { readonly cost: Cost }
  /** a batch of one packet in a slot of 4 KiB */
  batch (packet: Uint8Array): Outcome & { readonly cost: Cost }
  close (): void
}

const module = compileCore(readFileSync(new URL('../../../build/core.wasm', import.meta.url)))
/** the kernel's answer has room for the longest packet */
const roomBytes = 4096
/** log level: statistics only, for a log of every step would be longer than its buffer */
const STATISTICS = 4

const processedIn = (log: string): number => Number(/^processed (\d+) insns/m.exec(log)?.[1])

/** The running kernel and the emulated ones that programs are put into. */
export interface Machines {
  readonly bpf: Bpf
  readonly emulated: readonly [Kernel, Kernel, Kernel]
}

export function createMachines (bpf: Bpf): Machines {
  const kernel = (): Kernel =>
    createKernel({ core: createCore({ module, profile: kernel618, possibleCpus: bpf.possibleCpus, maximumPages: 1024 }), random: () => 0 })
  return { bpf, emulated: [kernel(), kernel(), kernel()] }
}

/** @param metadataOf of a verdict: bytes of metadata, which the kernel's answer has before the packet; none unless said */
export function loadTwins (
  { bpf, emulated }: Machines, program: TestProgram, metadataOf: (retval: number) => number = () => 0
): ProgramTwins {
  const fds = (program.maps ?? []).map((map) => createTestMap(bpf, map))
  const attr = { type: programTypeNumbers.xdp, insns: encode(withFds(program, fds)), license: 'GPL' }
  const live = bpf.programLoad({ ...attr, logLevel: STATISTICS })
  if (live.fd < 0) throw new Error(`errno ${-live.fd}\n${bpf.programLoad({ ...attr, logLevel: 1 }).log}`)
  const [one, other, third] = emulated.map((kernel) => emulate(kernel, program)) as [Emulated, Emulated, Emulated]
  const batch = value(createBatch(third.kernel.core, { slots: 1, strideBytes: 4096 }))
  return {
    processed: { kernel: processedIn(live.log), emulator: processedIn(one.program.verifierLog) },
    put (map, key, bytes) {
      const result = bpf.update(fds[map] ?? -1, key, bytes)
      if (result !== 0) throw new Error(`update: errno ${-result}`)
      for (const { kernel, descriptors } of [one, other, third]) value(kernel.mapUpdate(descriptors[map + 1] ?? -1, key, bytes))
    },
    kernel (packet) {
      const { result, retval, data } = bpf.testRun(live.fd, packet, 1, roomBytes)
      if (result < 0) throw new Error(`BPF_PROG_TEST_RUN: errno ${-result}`)
      const metadataBytes = metadataOf(retval)
      return { retval, packet: hex(data.subarray(metadataBytes)), metadataBytes }
    },
    interpreter (packet) {
      const run = one.kernel.execution().run(one.program.image, packet)
      if (run.fault !== null) throw new Error(run.fault.message)
      return { retval: run.retval, packet: hex(run.packet), cost: run.cost }
    },
    tracer (packet) {
      const execution = other.kernel.execution()
      const run = value(trace(other.kernel.core, other.program.translated, other.addresses, { execution, packet }))
      return { retval: run.retval, packet: hex(run.packet), cost: run.cost }
    },
    batch (packet) {
      batch.set(0, packet)
      const { cost } = third.kernel.execution().runBatch(third.program.image, batch)
      return { retval: batch.verdict(0), packet: hex(batch.packet(0)), cost }
    },
    close () {
      for (const fd of [live.fd, ...fds]) bpf.close(fd)
      for (const { kernel, descriptors } of [one, other, third]) for (const fd of descriptors) kernel.close(fd)
      batch.free()
    }
  }
}

interface Emulated {
  readonly kernel: Kernel
  readonly program: LoadedProgram
  /** the program, then its maps */
  readonly descriptors: readonly number[]
  readonly addresses: ReadonlyArray<{ readonly address: number, readonly valueAddress: number }>
}

function emulate (kernel: Kernel, program: TestProgram): Emulated {
  const fds = (program.maps ?? []).map((map) => createMap(kernel, map))
  const loaded = kernel.progLoad({ name: 'twin', type: 'xdp', license: 'GPL', insns: withFds(program, fds) })
  if (!loaded.ok) throw new Error('log' in loaded.error ? String(loaded.error.log) : loaded.error.message)
  const { usedMaps } = value(kernel.program(loaded.value))
  const addresses = usedMaps.map(({ address }) => ({ address, valueAddress: address + kernel618.structs.bpfArray.value }))
  return { kernel, program: value(kernel.program(loaded.value)), descriptors: [loaded.value, ...fds], addresses }
}

function createMap (kernel: Kernel, { type, keySize = 4, valueSize = 4, maxEntries = 1, flags = 0, inner, contents }: TestMap): number {
  const innerMapFd = inner === undefined ? {} : { innerMapFd: createMap(kernel, inner) }
  const fd = value(kernel.mapCreate({ type, keySize, valueSize, maxEntries, flags, ...innerMapFd }))
  if (contents === undefined) return fd
  value(kernel.mapUpdate(fd, new Uint8Array(4), contents))
  value(kernel.mapFreeze(fd))
  return fd
}

function withFds ({ insns }: TestProgram, fds: readonly number[]): TestProgram['insns'] {
  const places = new Set(mapRefsOf(insns).map(({ insn }) => insn))
  return insns.map((insn, index) => places.has(index) ? { ...insn, imm: fds[insn.imm] ?? insn.imm } : insn)
}

function value<T> (result: Result<T>): T {
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
