// A node's program watched: the same program and maps, with a note of every access (lib/bpf/core/notes.ts), packet after packet in one
// frame.

import { createBatch, createNotes, freeImage, loadImage } from '../bpf/core/index.ts'
import type { Core } from '../bpf/core/index.ts'
import { NOTE_REGION_MASK, NOTE_REGION_SHIFT, NOTE_SIZE_MASK, REGION_PACKET, SLOT_LENGTH } from '../bpf/core/assembly/exec-layout.ts'
import { SLOT_OVERHEAD_BYTES } from '../bpf/core/packet-batch.ts'
import type { KernelMap } from '../bpf/map/index.ts'
import { round8 } from '../bpf/map/size-classes.ts'
import type { WatchedNode } from '../report/index.ts'
import { withCpu } from './cpu-lease.ts'
import { SimError } from './errors.ts'
import type { EmulatedNode } from './node.ts'

const BATCH = 64
const STRIDE_BYTES = 2048
/** some 150 are usual */
const NOTES_PER_PACKET = 4096
const CPU = 0

export function watchNode ({ datapath: { kernel, program }, execution, cpuLeases }: EmulatedNode): WatchedNode {
  const { core } = kernel
  const valueOffset = core.profile.structs.bpfArray.value
  const maps = program.usedMaps.map(({ address }) => ({ address, valueAddress: address + valueOffset }))
  const image = loadImage(core, program.translated, maps, { notes: true })
  if (!image.ok) throw new SimError('INVALID_ARGUMENT', `the program cannot be watched: ${image.error.message}`)
  const batch = createBatch(core, { slots: BATCH, strideBytes: STRIDE_BYTES })
  if (!batch.ok) throw new SimError('OUT_OF_MEMORY', batch.error.message)
  const { address: slots, maxPacketBytes } = batch.value
  const notes = createNotes(execution, BATCH * NOTES_PER_PACKET)
  const { address: own, frame } = execution.memory

  /** Every packet lies where the first one does: which frames a card fills in turn is not modelled. */
  function tell (words: Uint32Array, visit: Parameters<WatchedNode['run']>[2]): void {
    for (let at = 0; at < words.length; at += 2) {
      const address = words[at] as number
      const what = words[at + 1] as number
      if ((what >>> NOTE_REGION_SHIFT & NOTE_REGION_MASK) === REGION_PACKET) {
        visit(slots + (address - slots) % STRIDE_BYTES, what & NOTE_SIZE_MASK, false)
      } else visit(address, what & NOTE_SIZE_MASK, address < own || address >= frame)
    }
  }

  return {
    run (packets, write, visit) {
      for (let done = 0; done < packets; done += BATCH) {
        const count = Math.min(BATCH, packets - done)
        for (let slot = 0; slot < count; slot++) {
          const at = slots + slot * STRIDE_BYTES
          const length = write(core.bytes(), at + SLOT_OVERHEAD_BYTES)
          if (length > maxPacketBytes) throw new RangeError(`a packet of ${length} bytes`)
          core.view().setUint32(at + SLOT_LENGTH, length, true)
        }
        notes.clear()
        withCpu(cpuLeases, CPU, () => execution.runBatch(image.value, batch.value, { to: count }))
        tell(notes.words(), visit)
      }
    },
    mapMemory: () => kernel.maps().flatMap((map) => memoryOf(core, map)),
    dispose () {
      notes.dispose()
      batch.value.free()
      freeImage(core, image.value)
    }
  }
}

interface Range { readonly address: number, readonly bytes: number }

const BUCKET_BYTES = 16

function memoryOf (core: Core, map: KernelMap): Range[] {
  if (map.type === 'array') {
    return [{ address: map.address + core.profile.structs.bpfArray.value, bytes: map.maxEntries * round8(map.valueSize) }]
  }
  return map.type === 'hash' || map.type === 'hash_of_maps' ? hashMemory(core, map) : []
}

function hashMemory ({ profile, exports, alloc, free, bytes, view }: Core, map: KernelMap): Range[] {
  const { bpfHtab, htabElem } = profile.structs
  const word = (at: number): number => view().getUint32(at, true)
  const buckets = word(map.address + bpfHtab.buckets)
  const mask = word(map.address + bpfHtab.nBuckets) - 1
  const elementBytes = word(map.address + bpfHtab.elemSize)
  const key = alloc(round8(map.keySize))
  const ranges: Range[] = []
  for (const [keyBytes] of map.entries()) {
    bytes().set(keyBytes, key)
    const address = exports.htabMapLookupRaw(map.address, key) >>> 0
    const bucket = (word(address + htabElem.hash) & mask) >>> 0
    ranges.push({ address, bytes: elementBytes }, { address: buckets + bucket * BUCKET_BYTES, bytes: BUCKET_BYTES })
  }
  free(key)
  return ranges
}
