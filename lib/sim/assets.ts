// What a simulator is made from: bytes that somebody else has read. One set serves every simulator of a process.

import { compileCore } from '../bpf/core/index.ts'
import { readObject } from '../bpf/object/index.ts'
import type { CollectionSpec } from '../bpf/object/spec.ts'
import type { Translations } from '../bpf/syscall/index.ts'
import { datapathLayouts, objectFile } from '../datapath/index.ts'
import type { DatapathLayout } from '../datapath/index.ts'

export interface SimulatorAssets {
  readonly core: WebAssembly.Module
  readonly datapath: Readonly<Record<DatapathLayout, CollectionSpec>>
  /** programs that were verified and translated once, for every node that loads them over maps of the same shapes */
  readonly translations: Translations
}

/**
 * @param read gives the bytes of `core.wasm` and of `objects/balancer-<layout>.o`
 * @throws Error naming the object that cannot be read as BPF, which is a fault of the build
 */
export function prepareAssets (read: (name: string) => Uint8Array): SimulatorAssets {
  const specs = datapathLayouts.map((layout): [DatapathLayout, CollectionSpec] => {
    const name = objectFile(layout)
    const spec = readObject(read(name), { name: 'balancer' })
    if (!spec.ok) throw new Error(`${name}: ${spec.error.message}`)
    return [layout, spec.value]
  })
  return {
    core: compileCore(read('core.wasm')),
    datapath: Object.fromEntries(specs) as Record<DatapathLayout, CollectionSpec>,
    translations: new Map()
  }
}
