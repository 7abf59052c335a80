// Room in a core's memory for the keys and values of system calls. One per core, that is, per thread; it grows to the
// largest map that was used.

import type { Core } from '../core/index.ts'

export interface Scratch {
  readonly key: number
  readonly nextKey: number
  readonly value: number
}

interface Room extends Scratch { readonly keyBytes: number, readonly valueBytes: number }

const rooms = new WeakMap<Core, Room>()
const firstKeyBytes = 64
const firstValueBytes = 4096

/** @returns room for two keys and a value, or null if there is no memory left */
export function scratchFor (core: Core, keyBytes: number, valueBytes: number): Scratch | null {
  const room = rooms.get(core)
  if (room !== undefined && room.keyBytes >= keyBytes && room.valueBytes >= valueBytes) return room
  return enlarge(core, room, keyBytes, valueBytes)
}

function enlarge (core: Core, old: Room | undefined, keyBytes: number, valueBytes: number): Scratch | null {
  const keys = Math.ceil(Math.max(keyBytes, old?.keyBytes ?? firstKeyBytes) / 16) * 16
  const values = Math.max(valueBytes, old?.valueBytes ?? firstValueBytes)
  const address = core.alloc(2 * keys + values)
  if (address === 0) return null
  if (old !== undefined) core.free(old.key)
  const room = { key: address, nextKey: address + keys, value: address + 2 * keys, keyBytes: keys, valueBytes: values }
  rooms.set(core, room)
  return room
}
