// Notes of the accesses of an execution's programs (assembly/exec-notes.ts): where, how many bytes, in which region, load or store, in the
// order in which they happened. Programs write them whose image was loaded with `notes`.

import {
  EXEC_NOTES, NOTE_BYTES, NOTE_FUNCTION, NOTE_IS_STORE, NOTE_REGION_MASK, NOTE_REGION_SHIFT, NOTE_SIZE_MASK, NOTES_CAPACITY, NOTES_COUNT,
  NOTES_HEADER_BYTES
} from './assembly/exec-layout.ts'
import { regions } from './cost.ts'
import type { Execution } from './execution.ts'

/** `function`: read by a map function that the program called */
export type NotedRegion = typeof regions[number] | 'function'

export interface AccessNotes {
  /**
   * All notes since `clear`, two words each: the address, and what `describeNote` reads; a view of the node's memory.
   * @throws RangeError when there were more than the capacity
   */
  words (): Uint32Array
  clear (): void
  /** programs of the execution note nothing any more */
  dispose (): void
}

/** @param capacity most notes between two calls of `clear`. @throws RangeError when the memory is exhausted */
export function createNotes ({ core, memory }: Execution, capacity: number): AccessNotes {
  const address = core.alloc(NOTES_HEADER_BYTES + capacity * NOTE_BYTES)
  if (address === 0) throw new RangeError(`the emulated memory has no room for ${capacity} notes`)
  core.view().setUint32(address + NOTES_CAPACITY, capacity, true)
  core.view().setUint32(memory.address + EXEC_NOTES, address, true)
  return {
    words () {
      const count = core.view().getUint32(address + NOTES_COUNT, true)
      if (count > capacity) throw new RangeError(`${count} notes where ${capacity} have room`)
      return new Uint32Array(core.memory.buffer, address + NOTES_HEADER_BYTES, 2 * count)
    },
    clear: () => core.view().setUint32(address + NOTES_COUNT, 0, true),
    dispose () {
      core.view().setUint32(memory.address + EXEC_NOTES, 0, true)
      core.free(address)
    }
  }
}

/** @param what second word of a note */
export function describeNote (what: number): { readonly size: number, readonly region: NotedRegion, readonly isStore: boolean } {
  const region = what >>> NOTE_REGION_SHIFT & NOTE_REGION_MASK
  return {
    size: what & NOTE_SIZE_MASK,
    region: region === NOTE_FUNCTION ? 'function' : regions[region] ?? 'kernel',
    isStore: (what & NOTE_IS_STORE) !== 0
  }
}
