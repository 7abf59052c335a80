// What a simulator is made from: bytes that somebody else has read. One set serves every simulator of a process.

import { compileCore } from '../bpf/core/index.ts'
import { readObject } from '../bpf/object/index.ts'
import type { CollectionSpec } from '../bpf/object/spec.ts'
import type { Translations } from '../bpf/syscall/index.ts'
import { objectFile, stepProbeFile, stepProbeObject } from '../datapath/index.ts'
import type { DatapathLayout, StepProbe } from '../datapath/index.ts'

export interface SimulatorAssets {
  readonly core: WebAssembly.Module
  /** read when a node first asks for it, and then kept */
  readonly datapath: (layout: DatapathLayout) => CollectionSpec
  /** read when it is asked for: only reports and benchmarks of single steps do */
  readonly stepProbe: (step: StepProbe) => CollectionSpec
  /** programs that were verified and translated once, for every node that loads them over maps of the same shapes */
  readonly translations: Translations
}

/**
 * @param read gives the bytes of `core.wasm` and of files below lib/datapath
 * @throws Error of `read`. The functions returned throw one that names an object which cannot be read as BPF, a fault of the build
 */
export function prepareAssets (read: (name: string) => Uint8Array): SimulatorAssets {
  const specOf = (file: string, name: string): CollectionSpec => {
    const spec = readObject(read(file), { name })
    if (!spec.ok) throw new Error(`${file}: ${spec.error.message}`)
    return spec.value
  }
  const datapaths = new Map<DatapathLayout, CollectionSpec>()
  const datapath = (layout: DatapathLayout): CollectionSpec => {
    const spec = datapaths.get(layout) ?? specOf(objectFile(layout), 'balancer')
    datapaths.set(layout, spec)
    return spec
  }
  return {
    core: compileCore(read('core.wasm')),
    datapath,
    stepProbe: (step) => specOf(stepProbeFile(step), stepProbeObject),
    translations: new Map()
  }
}
