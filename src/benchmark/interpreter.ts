// The interpreter on one node and given packets: batches of them, fresh, only the running timed.

import { createHash } from 'node:crypto'
import { attachCore, createBatch, createExecution } from '../../lib/bpf/core/index.ts'
import type { Execution, PacketBatch } from '../../lib/bpf/core/index.ts'
import { findProfile } from '../../lib/bpf/profile/index.ts'
import type { NodeAttachment, Simulator } from '../../lib/sim/types.ts'

const SLOTS = 4096
const STRIDE_BYTES = 384
/** this process has one thread that runs packets; 0 is the simulator's own */
const WORKER = 1

export interface Measured {
  readonly nsPerPacket: number
}

export class InterpreterBench {
  readonly #attachment: NodeAttachment
  readonly #execution: Execution
  readonly #batch: PacketBatch
  readonly #packets: readonly Uint8Array[]
  #next = 0

  /** @param packets round and round */
  constructor (sim: Simulator, node: string, packets: readonly Uint8Array[]) {
    this.#attachment = sim.attach(node)
    const { module, memory, kernel, possibleCpus } = this.#attachment
    const profile = findProfile(kernel)
    if (profile === undefined) throw new TypeError(`there is no kernel profile ${kernel}`)
    const core = attachCore({ module, memory, profile, possibleCpus })
    const batch = createBatch(core, { slots: SLOTS, strideBytes: STRIDE_BYTES })
    if (!batch.ok) throw new RangeError(batch.error.message)
    this.#execution = createExecution(core, { cpu: 0, worker: WORKER })
    this.#batch = batch.value
    this.#packets = packets
  }

  /** One batch; later calls go on with the packets behind. */
  round (): Measured {
    for (let slot = 0; slot < SLOTS; slot++) this.#batch.set(slot, this.#packets[this.#next++ % this.#packets.length] as Uint8Array)
    const startedNs = process.hrtime.bigint()
    this.#execution.runBatch(this.#attachment.image, this.#batch)
    return { nsPerPacket: Number(process.hrtime.bigint() - startedNs) / SLOTS }
  }

  /** SHA-256 over verdict and bytes of the first packets after the program, and the instructions of the first. */
  check (): { digest: string, instructions: number, first: { verdict: number, packet: Uint8Array } } {
    this.#next = 0
    this.round()
    const hash = createHash('sha256')
    for (let slot = 0; slot < SLOTS; slot++) hash.update(Uint8Array.of(this.#batch.verdict(slot))).update(this.#batch.packet(slot))
    return {
      digest: hash.digest('hex'),
      instructions: this.#batch.instructions(0),
      first: { verdict: this.#batch.verdict(0), packet: this.#batch.packet(0) }
    }
  }

  firstPacket (): Uint8Array {
    return this.#packets[0] as Uint8Array
  }

  dispose (): void {
    this.#execution.dispose()
    this.#batch.free()
  }
}
