// bpf(2) of the emulated kernel, and the loader that brings an object's collection onto it.

export { createKernel } from './kernel.ts'
export type { Kernel, KernelOptions, MapCreateAttr } from './kernel.ts'
export { createMaps, loadCollection, loadPrograms, NAME_CHARS_MAX } from './loader.ts'
export type { Collection, LoadOptions } from './loader.ts'
export type { LoadedProgram, ProgramAttr, Translations, VerifierRefusal } from './program.ts'
