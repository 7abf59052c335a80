export { attachCore, compileCore, createCore } from './core.ts'
export type { Core, CoreOptions } from './core.ts'
export type { CoreExports } from './exports.ts'

/** CPU c's copy of a per-CPU object at p lies at p + c * perCpuStride */
export const perCpuStride = 65536
export { createExecution, DEFAULT_BUDGET, MAX_BUDGET } from './execution.ts'
export type { BatchResult, Execution, RunOptions, RunResult } from './execution.ts'
export { createBatch } from './packet-batch.ts'
export type { BatchOptions, PacketBatch } from './packet-batch.ts'
export { freeImage, loadImage } from './program-image.ts'
export type { MapAddresses, ProgramImage } from './program-image.ts'
export type { Cost, RegionCounts } from './cost.ts'
export type { Fault, FaultCode } from './fault.ts'
export { kernelFunctions } from './kernel-functions.ts'
export { createNotes, describeNote } from './notes.ts'
export type { AccessNotes, NotedRegion } from './notes.ts'
