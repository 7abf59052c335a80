// The interpreter's entry points in the core module (assembly/exec-run.ts).

import type { Core } from './core.ts'

export interface EngineExports {
  execRun (execution: number, binding: number): void
  execBatch (execution: number, binding: number, slots: number, stride: number, from: number, to: number): void
  /** after a trap: puts the account and the reader in order */
  execRecover (execution: number, binding: number): void
  execAccount (execution: number, binding: number): void
  execClearCosts (execution: number): void
}

export function engineExports (core: Core): EngineExports {
  return core.exports as unknown as EngineExports
}
