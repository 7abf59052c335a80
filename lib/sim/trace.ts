// A traced run: every executed instruction with its text as bpftool prints it and the C line it stems from.

import { trace } from '../bpf/engine/index.ts'
import type { RunResult } from '../bpf/core/index.ts'
import type { LineInfo } from '../bpf/object/spec.ts'
import type { LoadedProgram } from '../bpf/syscall/index.ts'
import { SimError } from './errors.ts'
import type { EmulatedNode } from './node.ts'
import type { TraceStep } from './types.ts'
import { xlatedText } from './views.ts'

/** far above any path through the balancer */
const STEPS_MAX = 10_000

export interface TracedRun extends RunResult {
  readonly steps: readonly TraceStep[]
}

export function tracedRun ({ datapath: { kernel }, execution }: EmulatedNode, program: LoadedProgram, packet: Uint8Array): TracedRun {
  const valueOffset = kernel.profile.structs.bpfArray.value
  const maps = program.usedMaps.map(({ address }) => ({ address, valueAddress: address + valueOffset }))
  const traced = trace(kernel.core, program.translated, maps, { execution, packet, stepLimit: STEPS_MAX })
  if (!traced.ok) throw new SimError('INVALID_ARGUMENT', `the program cannot be traced: ${traced.error.message}`)
  const listing = listingOf(program)
  const steps = traced.value.steps.map(({ insn, registers }) =>
    ({ insn, text: listing[insn]?.text ?? '', source: listing[insn]?.source ?? null, registers }))
  return { ...traced.value, steps }
}

type Listing = ReadonlyArray<Pick<TraceStep, 'text' | 'source'> | undefined>

const listings = new WeakMap<LoadedProgram, Listing>()

/** text and C line by slot of the translated program */
function listingOf (program: LoadedProgram): Listing {
  const known = listings.get(program)
  if (known !== undefined) return known
  const listing: Array<Listing[number]> = []
  for (const line of xlatedText(program).split('\n')) {
    const [, slot, text] = /^\s*(\d+): (.*)$/.exec(line) ?? []
    if (slot === undefined || text === undefined) continue
    const origin = program.translated.insns[Number(slot)]?.origin ?? -1
    listing[Number(slot)] = { text, source: sourceAt(program.lines, origin) }
  }
  listings.set(program, listing)
  return listing
}

/** Line info stands at the first instruction of each line and holds until the next. */
function sourceAt (lines: readonly LineInfo[], origin: number): TraceStep['source'] {
  const line = lines.findLast(({ insn }) => insn <= origin)
  return line === undefined ? null : { file: line.file, line: line.line, text: line.text.trim() }
}
