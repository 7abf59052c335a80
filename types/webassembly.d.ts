// The es2023 library has no WebAssembly types and the dom library would bring a browser's globals along, so the
// few that are used stand here. Shapes follow the WebAssembly JavaScript interface.
declare namespace WebAssembly {
  interface MemoryDescriptor { initial: number, maximum?: number, shared?: boolean }
  class Memory {
    constructor (descriptor: MemoryDescriptor)
    readonly buffer: SharedArrayBuffer
    grow (pages: number): number
  }
  class Module { constructor (bytes: Uint8Array) }
  class Global { constructor (descriptor: { value: string, mutable?: boolean }, value: number | bigint) }
  class Instance {
    constructor (module: Module, imports?: Record<string, Record<string, unknown>>)
    readonly exports: Record<string, unknown>
  }
  class RuntimeError extends Error {}
}
