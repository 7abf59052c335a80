// This thread without CAP_PERFMON and CAP_SYS_ADMIN for a moment: maps created then are masked against Spectre v1.

const VERSION_3 = 0x20080522
const CAP_SYS_ADMIN = 21
const CAP_PERFMON = 38

/** @returns the function, or why capabilities cannot be changed here */
export async function openPrivilege (): Promise<{ without<T> (work: () => T): T } | string> {
  let koffi: typeof import('koffi').default
  try {
    koffi = (await import('koffi')).default
  } catch {
    return 'koffi is not installed'
  }
  const libc = koffi.load('libc.so.6')
  const capget = libc.func('int capget(void *header, _Inout_ uint32_t *data)')
  const capset = libc.func('int capset(void *header, uint32_t *data)')
  const header = (): Uint32Array => Uint32Array.of(VERSION_3, 0)
  // effective, permitted, inheritable of capabilities 0..31, then of 32..63
  const held = new Uint32Array(6)
  if (capget(header(), held) !== 0) return 'capget is refused'
  const lowered = held.slice()
  lowered[0] = (lowered[0] as number) & ~(1 << CAP_SYS_ADMIN)
  lowered[3] = (lowered[3] as number) & ~(1 << (CAP_PERFMON - 32))
  return {
    without (work) {
      if (capset(header(), lowered) !== 0) throw new Error('capset is refused')
      try {
        return work()
      } finally {
        capset(header(), held)
      }
    }
  }
}
