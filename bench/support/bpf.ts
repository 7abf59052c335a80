// The few bpf(2) commands that a benchmark needs, raw through koffi (an optional dependency). Nothing is pinned or
// attached; descriptors end with the process or with `close`.

export interface KernelMapSpec {
  /** number in bpf(2) */
  readonly type: number
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags: number
  readonly innerFd?: number
}

export interface TestRun {
  readonly retval: number
  /** of one repetition */
  readonly durationNs: number
  readonly data: Uint8Array
}

export interface Bpf {
  mapCreate (spec: KernelMapSpec): number
  update (fd: number, key: Uint8Array, value: Uint8Array): void
  freeze (fd: number): void
  loadXdp (insns: Uint8Array, license: string): number
  testRun (fd: number, packet: Uint8Array, repeat: number): TestRun
  close (fd: number): void
}

const NR_BPF = 321
const NR_CLOSE = 3
const MAP_TYPE_ARRAY = 2
const PROG_TYPE_XDP = 6
const commands = { mapCreate: 0, update: 2, progLoad: 5, testRun: 10, freeze: 22 } as const
const attrBytes = 144
/** attr first, what it points to behind it; the address of this memory does not change */
const arenaBytes = 8 * 1024 * 1024
const logBytes = 1024 * 1024
const roomBytes = 4096

/** @returns the commands, or why there are none here */
export async function openBpf (): Promise<Bpf | string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'not Linux on x86-64'
  const koffi = await import('koffi').then((module) => module.default, () => null)
  if (koffi === null) return 'koffi is not installed'
  const syscall = koffi.load('libc.so.6').func('long syscall(long, long, uintptr_t, uintptr_t)')
  const arena = new Uint8Array(new ArrayBuffer(arenaBytes))
  const address = BigInt(koffi.address(arena))
  const bpf = bindCommands(arena, address, (command) => {
    const result = Number(syscall(NR_BPF, command, address, attrBytes))
    return result < 0 ? -koffi.errno() : result
  }, (fd) => { syscall(NR_CLOSE, fd, 0n, 0) })
  try {
    bpf.close(bpf.mapCreate({ type: MAP_TYPE_ARRAY, keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 }))
    return bpf
  } catch (error) {
    return (error as Error).message
  }
}

function bindCommands (arena: Uint8Array, address: bigint, syscall: (command: number) => number, close: (fd: number) => void): Bpf {
  const view = new DataView(arena.buffer)
  let used = 0
  const u32 = (offset: number, value: number): void => view.setUint32(offset, value, true)
  const place = (bytes: Uint8Array | number): number => {
    const at = used
    used += (typeof bytes === 'number' ? bytes : bytes.length) + 15 & ~15
    if (used > arenaBytes) throw new RangeError('larger than the memory for bpf(2) calls')
    if (typeof bytes !== 'number') arena.set(bytes, at)
    return at
  }
  const point = (offset: number, bytes: Uint8Array | number): number => {
    const at = place(bytes)
    view.setBigUint64(offset, address + BigInt(at), true)
    return at
  }
  const begin = (): void => {
    arena.fill(0, 0, attrBytes)
    used = attrBytes
  }
  const call = (command: keyof typeof commands): number => {
    const result = syscall(commands[command])
    if (result < 0) throw new Error(`bpf(2) refuses ${command}: errno ${-result}`)
    return result
  }
  return {
    mapCreate ({ type, keySize, valueSize, maxEntries, flags, innerFd = 0 }) {
      begin()
      for (const [index, value] of [type, keySize, valueSize, maxEntries, flags, innerFd].entries()) u32(index * 4, value)
      return call('mapCreate')
    },
    update (fd, key, value) {
      begin()
      u32(0, fd)
      point(8, key)
      point(16, value)
      call('update')
    },
    freeze (fd) {
      begin()
      u32(0, fd)
      call('freeze')
    },
    loadXdp (insns, license) {
      begin()
      u32(0, PROG_TYPE_XDP)
      u32(4, insns.length / 8)
      point(8, insns)
      point(16, new TextEncoder().encode(`${license}\0`))
      u32(24, 1)
      u32(28, logBytes)
      const log = point(32, logBytes)
      const fd = syscall(commands.progLoad)
      if (fd >= 0) return fd
      const text = new TextDecoder().decode(arena.subarray(log, log + logBytes)).split('\0')[0] ?? ''
      throw new Error(`bpf(2) refuses the program: errno ${-fd}\n${text.trimEnd().split('\n').slice(-5).join('\n')}`)
    },
    testRun (fd, packet, repeat) {
      begin()
      u32(0, fd)
      u32(8, packet.length)
      u32(12, roomBytes)
      point(16, packet)
      const out = point(24, roomBytes)
      u32(32, repeat)
      call('testRun')
      const [retval, bytes, durationNs] = [4, 12, 36].map((offset) => view.getUint32(offset, true)) as [number, number, number]
      return { retval, durationNs, data: arena.slice(out, out + bytes) }
    },
    close
  }
}
