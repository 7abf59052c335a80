// Raw bpf(2) through koffi, an optional dependency: what the emulator claims is compared with the running kernel.
// Every call returns the system call's result, or the negative errno. Buffers handed to the kernel are copied through
// one arena outside the JavaScript heap, whose address cannot move; it is used anew by every call.

import { readFileSync } from 'node:fs'
import { mapTypeNumbers } from '../../lib/bpf/profile/names.ts'

export interface KernelMapAttr {
  readonly type: number
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags?: number
  readonly innerFd?: number
  readonly numaNode?: number
  readonly name?: string
  readonly mapExtra?: number
}

export interface KernelProgramAttr {
  readonly type: number
  /** 8-byte instructions as the kernel takes them: map fds in ld_imm64 */
  readonly insns: Uint8Array
  readonly license?: string
  /** 0 none, 1 the verifier's steps, 2 with more, 4 statistics only */
  readonly logLevel?: number
  readonly name?: string
  readonly flags?: number
  readonly expectedAttachType?: number
  readonly btfFd?: number
  readonly functionInfo?: Uint8Array
  readonly lineInfo?: Uint8Array
}

export interface KernelProgram { readonly fd: number, readonly log: string }
export interface KernelRun { readonly result: number, readonly retval: number, readonly durationNs: number, readonly data: Uint8Array }
export interface KernelMapInfo {
  readonly type: number
  readonly id: number
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags: number
}

export interface Bpf {
  mapCreate (attr: KernelMapAttr): number
  /** @returns 0 or -errno; the value is written to `value` */
  lookup (fd: number, key: Uint8Array, value: Uint8Array, flags?: number): number
  update (fd: number, key: Uint8Array, value: Uint8Array, flags?: number): number
  delete (fd: number, key: Uint8Array): number
  /** key after `key`, or the first after null, written to `next` */
  nextKey (fd: number, key: Uint8Array | null, next: Uint8Array): number
  lookupAndDelete (fd: number, key: Uint8Array, value: Uint8Array, flags?: number): number
  /** keys and values one after the other. @returns how many were updated, or -errno */
  updateBatch (fd: number, keys: Uint8Array, values: Uint8Array, count: number, flags?: number): number
  freeze (fd: number): number
  mapInfo (fd: number): KernelMapInfo
  mapFdById (id: number): number
  /** memory as /proc shows it */
  memlock (fd: number): number
  btfLoad (btf: Uint8Array): number
  programLoad (attr: KernelProgramAttr): KernelProgram
  /** data out has room for `roomBytes` (default: input and 1024 more) */
  testRun (fd: number, data: Uint8Array, repeat?: number, roomBytes?: number): KernelRun
  /** translated instructions as the kernel shows them, and the ids of its maps */
  xlated (fd: number): { readonly id: number, readonly tag: string, readonly insns: Uint8Array, readonly mapIds: readonly number[] }
  close (fd: number): void
  /** binds this thread to one CPU: per-CPU lists and LRU order depend on where a call runs */
  pinToCpu (cpu: number): number
  readonly possibleCpus: number
}

const arenaBytes = 16 * 1024 * 1024
const attrBytes = 144
const sysClose = 3
const sysSchedSetaffinity = 203
const sysBpf = 321
const logBytes = 4 * 1024 * 1024

const commands = {
  mapCreate: 0,
  lookup: 1,
  update: 2,
  delete: 3,
  nextKey: 4,
  progLoad: 5,
  testRun: 10,
  mapFdById: 14,
  infoByFd: 15,
  btfLoad: 18,
  lookupAndDelete: 21,
  freeze: 22,
  updateBatch: 26
} as const

/** @returns the interface, or why there is none on this machine */
export async function openBpf (): Promise<Bpf | string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'bpf(2) is compared on Linux x86-64 only'
  let koffi: typeof import('koffi').default
  try {
    koffi = (await import('koffi')).default
  } catch {
    return 'koffi is not installed'
  }
  const syscall = koffi.load('libc.so.6').func('long syscall(long, long, uintptr_t, uintptr_t)')
  const arena = new Uint8Array(new ArrayBuffer(arenaBytes))
  const address = koffi.address(arena)
  const bpf = bind((number, ...args) => {
    const result = Number(syscall(number, args[0], args[1], args[2]))
    return result < 0 ? -koffi.errno() : result
  }, arena, BigInt(address))
  const fd = bpf.mapCreate({ type: mapTypeNumbers.array, keySize: 4, valueSize: 4, maxEntries: 1 })
  if (fd < 0) return `bpf(2) is refused: errno ${-fd}`
  bpf.close(fd)
  return bpf
}

type Syscall = (number: number, first: number, second: bigint, third: number) => number

function bind (syscall: Syscall, arena: Uint8Array, base: bigint): Bpf {
  const view = new DataView(arena.buffer)
  let used = 0

  /** Starts a call: a zeroed attr at the arena's start. */
  function begin (): void {
    arena.fill(0, 0, attrBytes)
    used = attrBytes
  }

  function room (bytes: number): number {
    const at = used
    used = (at + bytes + 15) & ~15
    if (used > arenaBytes) throw new RangeError('arena exhausted')
    arena.fill(0, at, used)
    return at
  }

  function put (bytes: Uint8Array): number {
    const at = room(bytes.length)
    arena.set(bytes, at)
    return at
  }

  function u32 (offset: number, value: number): void { view.setUint32(offset, value, true) }
  function u64 (offset: number, value: number): void { view.setBigUint64(offset, BigInt(value), true) }
  function pointer (offset: number, at: number): void { view.setBigUint64(offset, base + BigInt(at), true) }
  function call (command: number): number { return syscall(sysBpf, command, base, attrBytes) }
  function copyOut (at: number, into: Uint8Array): void { into.set(arena.subarray(at, at + into.length)) }
  function text (at: number, bytes: number): string {
    const end = arena.subarray(at, at + bytes).indexOf(0)
    return Buffer.from(arena.buffer, at, end < 0 ? bytes : end).toString('latin1')
  }

  /** Commands on one element share their attr: map fd, key, value or next key, flags. */
  function element (
    command: number, fd: number, key: Uint8Array | null, value: Uint8Array | null, flags: number
  ): { result: number, at: number } {
    begin()
    u32(0, fd)
    if (key !== null) pointer(8, put(key))
    const at = value === null ? 0 : put(value)
    if (value !== null) pointer(16, at)
    u64(24, flags)
    return { result: call(command), at }
  }

  function elementOut (command: number, fd: number, key: Uint8Array | null, out: Uint8Array, flags: number): number {
    const { result, at } = element(command, fd, key, out, flags)
    if (result === 0) copyOut(at, out)
    return result
  }

  function info (fd: number, bytes: number, prepare?: (at: number) => void): number {
    begin()
    const at = room(bytes)
    prepare?.(at)
    u32(0, fd)
    u32(4, bytes)
    pointer(8, at)
    const result = call(commands.infoByFd)
    if (result < 0) throw new Error(`BPF_OBJ_GET_INFO_BY_FD: errno ${-result}`)
    return at
  }

  return {
    possibleCpus: countCpus(),
    mapCreate (attr) {
      begin()
      u32(0, attr.type)
      u32(4, attr.keySize)
      u32(8, attr.valueSize)
      u32(12, attr.maxEntries)
      u32(16, attr.flags ?? 0)
      u32(20, attr.innerFd ?? 0)
      u32(24, attr.numaNode ?? 0)
      arena.set(Buffer.from(attr.name ?? '', 'latin1').subarray(0, 16), 28)
      u64(64, attr.mapExtra ?? 0)
      return call(commands.mapCreate)
    },
    lookup: (fd, key, value, flags = 0) => elementOut(commands.lookup, fd, key, value, flags),
    update: (fd, key, value, flags = 0) => element(commands.update, fd, key, value, flags).result,
    delete: (fd, key) => element(commands.delete, fd, key, null, 0).result,
    nextKey: (fd, key, next) => elementOut(commands.nextKey, fd, key, next, 0),
    lookupAndDelete: (fd, key, value, flags = 0) => elementOut(commands.lookupAndDelete, fd, key, value, flags),
    updateBatch (fd, keys, values, count, flags = 0) {
      begin()
      pointer(16, put(keys))
      pointer(24, put(values))
      u32(32, count)
      u32(36, fd)
      u64(40, flags)
      const result = call(commands.updateBatch)
      return result < 0 ? result : view.getUint32(32, true)
    },
    freeze (fd) {
      begin()
      u32(0, fd)
      return call(commands.freeze)
    },
    mapInfo (fd) {
      const at = info(fd, 88)
      const [type = 0, id = 0, keySize = 0, valueSize = 0, maxEntries = 0, flags = 0] = new Uint32Array(arena.slice(at, at + 24).buffer)
      return { type, id, keySize, valueSize, maxEntries, flags }
    },
    mapFdById (id) {
      begin()
      u32(0, id)
      return call(commands.mapFdById)
    },
    memlock: (fd) => Number(/^memlock:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]),
    btfLoad (btf) {
      begin()
      pointer(0, put(btf))
      u32(16, btf.length)
      return call(commands.btfLoad)
    },
    programLoad (attr) {
      begin()
      const logSize = attr.logLevel === undefined || attr.logLevel === 0 ? 0 : logBytes
      const log = room(logSize)
      u32(0, attr.type)
      u32(4, attr.insns.length >>> 3)
      pointer(8, put(attr.insns))
      pointer(16, put(Buffer.from(`${attr.license ?? 'GPL'}\0`, 'latin1')))
      u32(24, attr.logLevel ?? 0)
      u32(28, logSize)
      if (logSize > 0) pointer(32, log)
      u32(44, attr.flags ?? 0)
      arena.set(Buffer.from(attr.name ?? '', 'latin1').subarray(0, 15), 48)
      u32(68, attr.expectedAttachType ?? 0)
      if (attr.btfFd !== undefined) u32(72, attr.btfFd)
      if (attr.functionInfo !== undefined) {
        u32(76, 8)
        pointer(80, put(attr.functionInfo))
        u32(88, attr.functionInfo.length / 8)
      }
      if (attr.lineInfo !== undefined) {
        u32(92, 16)
        pointer(96, put(attr.lineInfo))
        u32(104, attr.lineInfo.length / 16)
      }
      const fd = call(commands.progLoad)
      return { fd, log: text(log, logSize) }
    },
    testRun (fd, data, repeat = 1, roomBytes = data.length + 1024) {
      begin()
      u32(0, fd)
      u32(8, data.length)
      u32(12, roomBytes)
      pointer(16, put(data))
      const out = room(roomBytes)
      pointer(24, out)
      u32(32, repeat)
      const result = call(commands.testRun)
      const length = Math.min(view.getUint32(12, true), roomBytes)
      return { result, retval: view.getUint32(4, true), durationNs: view.getUint32(36, true), data: arena.slice(out, out + length) }
    },
    xlated (fd) {
      const sizes = info(fd, 240)
      const bytes = view.getUint32(sizes + 20, true)
      const maps = view.getUint32(sizes + 52, true)
      let insns = 0
      let ids = 0
      const at = info(fd, 240, (start) => {
        insns = room(bytes)
        ids = room(maps * 4)
        u32(start + 20, bytes)
        pointer(start + 32, insns)
        u32(start + 52, maps)
        pointer(start + 56, ids)
      })
      return {
        id: view.getUint32(at + 4, true),
        tag: Buffer.from(arena.subarray(at + 8, at + 16)).toString('hex'),
        insns: arena.slice(insns, insns + view.getUint32(at + 20, true)),
        mapIds: Array.from({ length: maps }, (_, i) => view.getUint32(ids + i * 4, true))
      }
    },
    close (fd) {
      syscall(sysClose, fd, 0n, 0)
    },
    pinToCpu (cpu) {
      begin()
      const mask = room(128)
      view.setUint8(mask + (cpu >> 3), 1 << (cpu & 7))
      return syscall(sysSchedSetaffinity, 0, 128n, Number(base) + mask)
    }
  }
}

/** `0-3` or `0` in the list of possible CPUs. */
function countCpus (): number {
  const list = readFileSync('/sys/devices/system/cpu/possible', 'latin1').trim()
  const last = list.split(/[-,]/).at(-1)
  return Number(last) + 1
}
