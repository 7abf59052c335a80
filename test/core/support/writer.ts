// A worker thread that inserts, replaces and deletes in several maps at once with the main thread and other workers.
// Every value says which key it belongs to, so that a mix-up shows afterwards.

import { parentPort, workerData } from 'node:worker_threads'
import { attachCore } from '../../../lib/bpf/core/index.ts'
import type { KernelProfile } from '../../../lib/bpf/profile/index.ts'

export interface WriterTask {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  readonly profile: KernelProfile
  readonly worker: number
  readonly possibleCpus: number
  readonly maps: readonly number[]
  readonly steps: number
  readonly keys: number
}

/** What belongs to a key: 8 bytes. */
export function valueOf (key: number): [number, number] {
  return [key, ~key >>> 0]
}

/** @returns operations that succeeded */
export function write ({ maps, steps, keys, worker, ...options }: WriterTask): number {
  const core = attachCore(options)
  const { exports } = core
  const at = core.alloc(64)
  const view = core.view()
  let done = 0
  let state = worker + 1
  for (let step = 0; step < steps; step++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const map = maps[step % maps.length] ?? 0
    const key = (state >>> 8) % keys
    const [low, high] = valueOf(key)
    view.setUint32(at, key, true)
    view.setUint32(at + 16, low, true)
    view.setUint32(at + 20, high, true)
    if (step % 256 === 0) {
      exports.readerExit(worker)
      exports.readerEnter(worker)
    }
    if ((state >>> 28) < 10) done += exports.userUpdate(map, at, at + 16, 0, worker) === 0 ? 1 : 0
    else if ((state >>> 28) < 13) done += exports.userDelete(map, at, at + 32) === 0 ? 1 : 0
    else done += exports.mapLookupElem(map, at, worker) === 0 ? 0 : 1
  }
  exports.readerExit(worker)
  return done
}

parentPort?.postMessage(write(workerData as WriterTask))
