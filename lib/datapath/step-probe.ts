// What step-probe.c needs around it, in an emulated kernel or a real one: its objects, the table it reads, its state.

export const stepProbes = ['no-lookup', 'inlined', 'called', 'indirect', 'no-modulo', 'immediate', 'rodata', 'max-entries'] as const
/**
 * A lookup in an inner array as the kernel may emit it: inlined, called directly, called through the general function; the remainder by M
 * as an immediate, from .rodata, or from the map. `no-lookup` and `no-modulo` are the same programs without that step.
 */
export type StepProbe = typeof stepProbes[number]

/** times that one run takes the step */
export const STEPS_PER_RUN = 16

/** entries of a table that are ever read: the probes of the remainder have larger ones, of which they read only the size */
export const STEP_ENTRIES_READ = 1024

/** @returns path below lib/datapath */
export function stepProbeFile (step: StepProbe): string {
  return `objects/step-probe-${step}.o`
}

/** to read the objects under: sections that are maps carry this name */
export const stepProbeObject = 'step'
export const stepProbeProgram = 'step_probe'
export const stepProbeMaps = { tables: 'tables', state: `${stepProbeObject}.bss` } as const

//  .bss  0       8       12   16
//        +-------+-------+----+
//        | state | other |  - |
//        +-------+-------+----+

export function encodeStepState (state: bigint): Uint8Array {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setBigUint64(0, state, true)
  return bytes
}

export function decodeStepState (bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
}

/** @returns the value of one element of the table, spread over all 32 bits */
export function stepTableValue (index: number): number {
  return Math.imul(index, 0x9e3779b1) >>> 0
}
