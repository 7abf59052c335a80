export { attachCore, compileCore, createCore } from './core.ts'
export type { Core, CoreOptions } from './core.ts'
export type { CoreExports } from './exports.ts'

/** CPU c's copy of a per-CPU object at p lies at p + c * perCpuStride */
export const perCpuStride = 65536
