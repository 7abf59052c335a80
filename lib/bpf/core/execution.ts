// Running programs on the interpreter: one Execution per worker, with a context, a stack and a packet frame of its own.
// A run starts from a fresh packet; what one packet did is exact to the access, and so are the totals of a batch.

import {
  COST_CLASSES, EXEC_BUDGET, EXEC_CLOCK, EXEC_COSTS, EXEC_FAULT, EXEC_FAULTS, EXEC_FAULT_ADDRESS, EXEC_FAULT_RECORD,
  EXEC_R0, EXEC_RANDOM, EXEC_SLOT, FAULT_TRAP, RECORD_BYTES, SLOT_EXECUTED, SLOT_FAULT, SLOT_VERDICT
} from './assembly/exec-layout.ts'
import { bindImage } from './binding.ts'
import type { Binding } from './binding.ts'
import type { Core } from './core.ts'
import { costOf } from './cost.ts'
import type { Cost } from './cost.ts'
import { engineExports } from './engine-exports.ts'
import { allocateExecution, MAX_PACKET_BYTES, readPacket, writeDevice, writePacket } from './execution-memory.ts'
import type { ExecutionMemory } from './execution-memory.ts'
import { faultOf } from './fault.ts'
import type { Fault } from './fault.ts'
import type { PacketBatch } from './packet-batch.ts'
import { accessOfInfo, holdImage, unholdImage } from './program-image.ts'
import type { ProgramImage } from './program-image.ts'

export const DEFAULT_BUDGET = 1_000_000
/** what the 32-bit count of a packet in records of 16 bytes can hold, and a program's length to spare */
export const MAX_BUDGET = 250_000_000
const MAX_WORKERS = 64
/** runs of one record that fit the difference array between two accounts */
const RECORD_RUNS_PER_ACCOUNT = 2 ** 31

export interface RunOptions {
  /** most instructions, 1,000,000 unless said; compared at steps back and at bpf-to-bpf calls */
  readonly budget?: number
  /** 1 unless said */
  readonly ingressIfindex?: number
  /** 0 unless said */
  readonly rxQueueIndex?: number
}

export interface RunResult {
  /** r0 as u32; 0 (XDP_ABORTED) after a fault */
  readonly retval: number
  /** data..data_end after the program */
  readonly packet: Uint8Array
  readonly cost: Cost
  readonly fault: Fault | null
}

export interface BatchResult {
  /** totals over the packets of this call */
  readonly cost: Cost
  /** packets that ended in a fault; `batchFault` says which */
  readonly faults: number
}

export interface Execution {
  readonly core: Core
  readonly cpu: number
  readonly worker: number
  readonly memory: ExecutionMemory
  run (image: ProgramImage, packet: Uint8Array, options?: RunOptions): RunResult
  /** Runs the packets of slots `from` (0) to `to` (all), rewriting them in place. */
  runBatch (image: ProgramImage, batch: PacketBatch, options?: RunOptions & { readonly from?: number, readonly to?: number }): BatchResult
  /** @returns the fault of a slot in the last batch run with `image` and `budget` */
  batchFault (image: ProgramImage, batch: PacketBatch, slot: number, budget?: number): Fault | null
  /** @returns how often each slot of the program ran on this execution since it was bound; second slots of wide immediates 0 */
  coverage (image: ProgramImage): Float64Array
  /** what bpf_ktime_get_ns returns from now on; it does not move by itself. A number is a whole one up to 2^53 - 1: 104 days */
  setClock (nanoseconds: number | bigint): void
  /** state of bpf_get_prandom_u32, 32 bits */
  seedRandom (seed: number): void
  /** frees everything this execution holds */
  dispose (): void
}

export interface ExecutionOptions {
  /** the emulated CPU: which copy of per-CPU values, what bpf_get_smp_processor_id returns */
  readonly cpu: number
  /** 0..63, one per thread that runs at the same time */
  readonly worker: number
  /** what bpf_ktime_get_ns returns; 0 unless said */
  readonly clockNs?: number | bigint
  /** of bpf_get_prandom_u32, 32 bits; 1 unless said, as of 0, from which xorshift never gets away */
  readonly seed?: number
}

/** Throws RangeError on a CPU or worker that cannot be, or when the memory is exhausted. */
export function createExecution (core: Core, { cpu, worker, clockNs = 0, seed = 1 }: ExecutionOptions): Execution {
  if (!Number.isInteger(cpu) || cpu < 0 || cpu >= core.possibleCpus) throw new RangeError(`cpu ${cpu} of ${core.possibleCpus}`)
  if (!Number.isInteger(worker) || worker < 0 || worker >= MAX_WORKERS) throw new RangeError(`worker ${worker} of ${MAX_WORKERS}`)
  const memory = allocateExecution(core, cpu, worker)
  if (memory === null) throw new RangeError('the emulated memory has no room for an execution')
  const execution = new InterpreterExecution(core, cpu, worker, memory)
  execution.setClock(clockNs)
  execution.seedRandom(seed)
  return execution
}

/** Checks and writes what does not change from packet to packet. @returns the budget */
export function applyOptions (core: Core, memory: ExecutionMemory, options: RunOptions): number {
  const { budget = DEFAULT_BUDGET, ingressIfindex = 1, rxQueueIndex = 0 } = options
  if (!Number.isInteger(budget) || budget < 1 || budget > MAX_BUDGET) throw new RangeError(`a budget is 1 to ${MAX_BUDGET}, not ${budget}`)
  core.view().setUint32(memory.address + EXEC_BUDGET, budget, true)
  writeDevice(core, memory, ingressIfindex, rxQueueIndex)
  return budget
}

export function checkPacket (packet: Uint8Array): void {
  if (packet.length > MAX_PACKET_BYTES) throw new RangeError(`a packet of ${packet.length} bytes; a frame holds ${MAX_PACKET_BYTES}`)
}

class InterpreterExecution implements Execution {
  readonly core: Core
  readonly cpu: number
  readonly worker: number
  readonly memory: ExecutionMemory
  readonly #engine: ReturnType<typeof engineExports>
  readonly #bindings = new Map<ProgramImage, { readonly binding: Binding, readonly release: () => void }>()

  constructor (core: Core, cpu: number, worker: number, memory: ExecutionMemory) {
    this.core = core
    this.cpu = cpu
    this.worker = worker
    this.memory = memory
    this.#engine = engineExports(core)
  }

  run (image: ProgramImage, packet: Uint8Array, options: RunOptions = {}): RunResult {
    checkPacket(packet)
    const { core, memory } = this
    const binding = this.#bind(image)
    const budget = applyOptions(core, memory, options)
    writePacket(core, memory, packet)
    const trapped = !this.#guard(binding, () => this.#engine.execRun(memory.address, binding.address))
    if (trapped) core.view().setUint32(memory.address + EXEC_FAULT, FAULT_TRAP, true)
    const fault = this.#fault(image, binding, budget)
    return {
      retval: fault === null ? core.view().getUint32(memory.address + EXEC_R0, true) : 0,
      packet: readPacket(core, memory),
      cost: this.#takeCost(binding),
      fault
    }
  }

  runBatch (image: ProgramImage, batch: PacketBatch, options: RunOptions & { from?: number, to?: number } = {}): BatchResult {
    const { core, memory } = this
    const { from = 0, to = batch.slots } = options
    if (!(from >= 0 && from <= to && to <= batch.slots)) throw new RangeError(`slots ${from} to ${to} of a batch of ${batch.slots}`)
    const binding = this.#bind(image)
    const budget = applyOptions(core, memory, options)
    const share = Math.max(1, Math.floor(RECORD_RUNS_PER_ACCOUNT / budget))
    core.view().setUint32(memory.address + EXEC_FAULTS, 0, true)
    for (let next = from; next < to;) next = this.#runSlots(binding, batch, next, Math.min(to, next + share))
    return { cost: this.#takeCost(binding), faults: core.view().getUint32(memory.address + EXEC_FAULTS, true) }
  }

  batchFault (image: ProgramImage, batch: PacketBatch, slot: number, budget = DEFAULT_BUDGET): Fault | null {
    const number = batch.fault(slot)
    if (number === 0) return null
    const { record, address } = batch.faultAt(slot)
    return faultOf(number, image.slotOfRecord[record] ?? -1, budget, { ...accessOfInfo(image.info[record] ?? 0), address })
  }

  coverage (image: ProgramImage): Float64Array {
    const times = new Float64Array(image.slots)
    const held = this.#bindings.get(image)
    if (held === undefined) return times
    const view = this.core.view()
    image.slotOfRecord.forEach((slot, record) => { times[slot] = readCount(view, held.binding.profile + record * 8) })
    return times
  }

  setClock (nanoseconds: number | bigint): void {
    const at = this.memory.address + EXEC_CLOCK
    if (typeof nanoseconds === 'bigint') return this.core.view().setBigUint64(at, nanoseconds, true)
    if (!Number.isSafeInteger(nanoseconds) || nanoseconds < 0) throw new RangeError(`a clock at ${nanoseconds} ns`)
    this.core.view().setUint32(at, nanoseconds >>> 0, true)
    this.core.view().setUint32(at + 4, Math.floor(nanoseconds / 2 ** 32), true)
  }

  seedRandom (seed: number): void {
    this.core.view().setUint32(this.memory.address + EXEC_RANDOM, seed >>> 0 === 0 ? 1 : seed, true)
  }

  dispose (): void {
    for (const [image, { release }] of this.#bindings) {
      unholdImage(this.core, image, release)
      release()
    }
    this.core.free(this.memory.address)
  }

  #bind (image: ProgramImage): Binding {
    const held = this.#bindings.get(image)
    if (held !== undefined) return held.binding
    const binding = bindImage(this.core, image, this.memory.address)
    if (binding === null) throw new RangeError('the emulated memory has no room for the program')
    const release = (): void => {
      this.#bindings.delete(image)
      this.core.free(binding.address)
    }
    holdImage(this.core, image, release)
    this.#bindings.set(image, { binding, release })
    return binding
  }

  /** A trap means that an access was taken for proved and is not: it ends the packet, as any fault. @returns false on a trap */
  #guard (binding: Binding, run: () => void): boolean {
    try {
      run()
      return true
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error
      this.#engine.execRecover(this.memory.address, binding.address)
      return false
    }
  }

  /** @returns the slot to go on with: `to`, or the one after a trap */
  #runSlots (binding: Binding, batch: PacketBatch, from: number, to: number): number {
    const { core, memory } = this
    const run = (): void => this.#engine.execBatch(memory.address, binding.address, batch.address, batch.strideBytes, from, to)
    const whole = this.#guard(binding, run)
    this.#engine.execAccount(memory.address, binding.address)
    if (whole) return to
    const view = core.view()
    const slot = view.getUint32(memory.address + EXEC_SLOT, true)
    const at = batch.address + slot * batch.strideBytes
    view.setUint32(at + SLOT_VERDICT, 0, true)
    view.setUint32(at + SLOT_EXECUTED, 0, true)
    view.setUint32(at + SLOT_FAULT, FAULT_TRAP, true)
    view.setUint32(memory.address + EXEC_FAULTS, view.getUint32(memory.address + EXEC_FAULTS, true) + 1, true)
    return slot + 1
  }

  #fault (image: ProgramImage, binding: Binding, budget: number): Fault | null {
    const view = this.core.view()
    const number = view.getUint32(this.memory.address + EXEC_FAULT, true)
    if (number === 0) return null
    const record = (view.getUint32(this.memory.address + EXEC_FAULT_RECORD, true) - binding.code) / RECORD_BYTES
    const address = view.getBigUint64(this.memory.address + EXEC_FAULT_ADDRESS, true).toString(16)
    return faultOf(number, image.slotOfRecord[record] ?? -1, budget, { ...accessOfInfo(image.info[record] ?? 0), address })
  }

  #takeCost (binding: Binding): Cost {
    this.#engine.execAccount(this.memory.address, binding.address)
    const view = this.core.view()
    const times = new Float64Array(COST_CLASSES)
    for (let costClass = 0; costClass < COST_CLASSES; costClass++) {
      times[costClass] = readCount(view, this.memory.address + EXEC_COSTS + costClass * 8)
    }
    this.#engine.execClearCosts(this.memory.address)
    return costOf(times)
  }
}

/** A u64 that stays far below 2^53. */
function readCount (view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32
}
