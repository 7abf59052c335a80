// A worker thread that attaches to a core's memory and looks one slot of an outer map up, again and again, until told to
// stop; every inner map it finds must hold one of the two values that were ever written, in all of its slots.

import { parentPort, workerData } from 'node:worker_threads'
import { attachCore } from '../../../lib/bpf/core/index.ts'
import type { Core } from '../../../lib/bpf/core/index.ts'
import type { KernelProfile } from '../../../lib/bpf/profile/index.ts'

export interface ReaderTask {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  readonly profile: KernelProfile
  readonly worker: number
  readonly outer: number
  /** first entries of the inner maps, compared with each other */
  readonly slots: number
  /** address of a word: 0 run, 1 stop */
  readonly stop: number
  /** address of a word that counts batches, and wakes who waits for the next */
  readonly batches: number
}

export interface ReaderReport {
  readonly looks: number
  readonly missing: number
  readonly mixed: number
  /** distinct tables seen */
  readonly tables: number
}

const batch = 64

function read (core: Core, task: ReaderTask): ReaderReport {
  const { exports } = core
  const key = core.alloc(8)
  const slotKey = core.alloc(8)
  const seen = new Set<number>()
  let looks = 0
  let missing = 0
  let mixed = 0
  const stopped = (): boolean => Atomics.load(new Int32Array(core.bytes().buffer), task.stop >> 2) !== 0
  while (!stopped()) {
    exports.readerEnter(task.worker)
    for (let i = 0; i < batch; i++) {
      looks++
      const inner = exports.mapLookupElem(task.outer, key, task.worker)
      if (inner === 0) {
        missing++
        continue
      }
      const view = core.view()
      const table = new Set<number>()
      for (let slot = 0; slot < task.slots; slot++) {
        view.setUint32(slotKey, slot, true)
        const value = exports.mapLookupElem(inner, slotKey, task.worker)
        table.add(value === 0 ? -1 : view.getUint32(value, true))
      }
      if (table.size !== 1 || table.has(-1) || table.has(0)) mixed++
      for (const value of table) seen.add(value)
    }
    exports.readerExit(task.worker)
    const words = new Int32Array(core.bytes().buffer)
    Atomics.add(words, task.batches >> 2, 1)
    Atomics.notify(words, task.batches >> 2)
  }
  core.free(key)
  core.free(slotKey)
  return { looks, missing, mixed, tables: seen.size }
}

const task = workerData as ReaderTask
parentPort?.postMessage(read(attachCore({ ...task, possibleCpus: 2 }), task))
