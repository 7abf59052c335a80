// One program at a time per emulated CPU, as in the kernel, where a running program is not moved off its CPU. Per-CPU
// values (the drop counters among them) are only right if the main thread's lookups and the worker threads of a run take
// turns. A worker holds a CPU for one batch, far below a millisecond, so waiting blocks nothing noticeable.

const FREE = 0
const TAKEN = 1

/** One word per CPU, in memory that threads share. */
export type CpuLeases = Int32Array

export function createCpuLeases (possibleCpus: number): CpuLeases {
  return new Int32Array(new SharedArrayBuffer(possibleCpus * Int32Array.BYTES_PER_ELEMENT))
}

/** far beyond any batch: a thread that holds a CPU for so long has died with it */
const LONGEST_HOLD_MS = 2000

/** Waits for the CPU, runs `body` on it, gives it back whatever happens. Not nested. */
export function withCpu<T> (leases: CpuLeases, cpu: number, body: () => T): T {
  while (Atomics.compareExchange(leases, cpu, FREE, TAKEN) !== FREE) {
    if (Atomics.wait(leases, cpu, TAKEN, LONGEST_HOLD_MS) === 'timed-out') break
  }
  try {
    return body()
  } finally {
    Atomics.store(leases, cpu, FREE)
    Atomics.notify(leases, cpu, 1)
  }
}
