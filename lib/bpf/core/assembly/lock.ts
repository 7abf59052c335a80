// Spin locks: one word, 0 free, 1 held. A thread that finds the lock held for long sleeps for 50 us at a time, because
// on a machine with fewer cores than workers the holder may not be running.

const SPINS: u32 = 200
const NAP_NS: i64 = 50_000

export function lock (address: usize): void {
  if (atomic.cmpxchg<i32>(address, 0, 1) == 0) return
  lockSlowly(address)
}

function lockSlowly (address: usize): void {
  let spins: u32 = 0
  do {
    while (atomic.load<i32>(address) != 0) {
      if (++spins > SPINS) atomic.wait<i32>(address, 1, NAP_NS)
    }
  } while (atomic.cmpxchg<i32>(address, 0, 1) != 0)
}

export function unlock (address: usize): void {
  atomic.store<i32>(address, 0)
}
