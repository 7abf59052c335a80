// The core module and the memory it works on. A node has one shared memory; every thread that takes part attaches an
// instance of its own. Code that keeps a view must ask for it again after anything that may allocate: a grown memory
// leaves old views short.

import type { KernelProfile } from '../profile/index.ts'
import type { CoreExports } from './exports.ts'
import { maximumCpus, profileImports } from './profile-imports.ts'

export interface Core {
  readonly memory: WebAssembly.Memory
  readonly profile: KernelProfile
  readonly possibleCpus: number
  readonly exports: CoreExports
  /** views of the whole memory as it is now */
  view (): DataView
  bytes (): Uint8Array
  /** @returns address of zeroed memory, 16-aligned and without owner; 0 if there is none left */
  alloc (bytes: number): number
  free (address: number): void
}

export interface CoreOptions {
  readonly module: WebAssembly.Module
  readonly profile: KernelProfile
  readonly possibleCpus: number
  /** 64 KiB pages the memory may grow to; 65536 (4 GiB) unless said */
  readonly maximumPages?: number
}

const largestMemory = 65536
/** what the module declares to need at least, and room for the descriptors of every page it may get */
const modulePages = 256
const descriptorShare = 256
/** the module's declared maximum: a memory may have less */
const firstPages = 32
const largestBlock = 0xffff_0000
/** the collector starts to think at 64 MiB of outside memory: more would tell it nothing */
const heaviest = 64 * 1024 * 1024

export function compileCore (wasm: Uint8Array): WebAssembly.Module {
  return new WebAssembly.Module(wasm)
}

/** A new memory, laid out and empty. Throws RangeError on options no caller should pass. */
export function createCore (options: CoreOptions): Core {
  const maximum = options.maximumPages ?? largestMemory
  if (!Number.isInteger(maximum) || maximum < modulePages || maximum > largestMemory) {
    throw new RangeError(`maximumPages must be an integer of ${modulePages} to ${largestMemory}`)
  }
  const initial = Math.min(maximum, Math.max(modulePages, Math.ceil(maximum / descriptorShare) + firstPages))
  const memory = new WebAssembly.Memory({ initial, maximum, shared: true })
  const core = attachCore({ ...options, memory })
  core.exports.initialise(maximum)
  return core
}

/** Another thread's instance on a memory that `createCore` laid out. */
export function attachCore ({ module, profile, possibleCpus, memory }: CoreOptions & { readonly memory: WebAssembly.Memory }): Core {
  if (!Number.isInteger(possibleCpus) || possibleCpus < 1 || possibleCpus > maximumCpus) {
    throw new RangeError(`possibleCpus must be an integer of 1 to ${maximumCpus}`)
  }
  const instance = new WebAssembly.Instance(module, { env: { memory }, profile: profileImports(profile, possibleCpus) })
  const exports = instance.exports as unknown as CoreExports
  let views = viewsOf(memory.buffer, 0, [])
  function refresh (): Views {
    const buffer = memory.buffer
    if (buffer.byteLength !== views.bytes.byteLength) views = viewsOf(buffer, views.bytes.byteLength, views.weights)
    return views
  }
  return {
    memory,
    profile,
    possibleCpus,
    exports,
    view: () => refresh().view,
    bytes: () => refresh().bytes,
    // an argument of the module is taken modulo 2^32: what is larger would come back as a small block
    alloc: (size) => size > largestBlock ? 0 : exports.allocate(size) >>> 0,
    free: (address) => exports.release(address)
  }
}

interface Views {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly weights: readonly ArrayBuffer[]
}

/**
 * `weights` are what the garbage collector feels of a memory. It does not count shared memories, and would let the ones of
 * replaced nodes pile up until the machine has no more; ordinary buffers it counts. Untouched, these take address space only. A memory
 * that grows gets one more, for what has come: a new one for all of it would be garbage to collect with every step.
 */
function viewsOf (buffer: ArrayBufferLike, before: number, weights: readonly ArrayBuffer[]): Views {
  const more = Math.min(buffer.byteLength, heaviest) - Math.min(before, heaviest)
  return { bytes: new Uint8Array(buffer), view: new DataView(buffer), weights: more > 0 ? [...weights, new ArrayBuffer(more)] : weights }
}
