// array, percpu_array and array_of_maps: elements by index right behind the map struct. array: the values (each rounded
// up to 8 bytes); percpu_array: addresses of per-CPU objects; array_of_maps: addresses of inner maps, 0 for none.

import {
  ARRAY_ELEM_SIZE, ARRAY_INDEX_MASK, ARRAY_VALUE, BPF_EXIST, BPF_NOEXIST, E2BIG, EEXIST, EINVAL, MAP_MAX_ENTRIES,
  MAP_VALUE_SIZE, pointerAt, POSSIBLE_CPUS, round8, setPointer
} from './layout'
import { allocatePerCpu, PERCPU_STRIDE, releasePerCpu } from './percpu'
import { copyBytes } from './bytes'

export const BPF_F_LOCK: u64 = 4

/** Address of the value, 0 when the index is out of bounds. Masks the index always, as the called function in the kernel does. */
export function arrayMapLookupElem (map: usize, key: usize): usize {
  const index = load<u32>(key)
  if (index >= load<u32>(map + MAP_MAX_ENTRIES)) return 0
  const masked = index & load<u32>(map + ARRAY_INDEX_MASK)
  return map + ARRAY_VALUE + (masked * load<u32>(map + ARRAY_ELEM_SIZE) as usize)
}

export function perCpuArrayLookupElem (map: usize, key: usize, cpu: u32): usize {
  const slot = pointerSlot(map, key)
  return slot == 0 ? 0 : pointerAt(slot) + (cpu as usize) * PERCPU_STRIDE
}

export function arrayOfMapsLookupElem (map: usize, key: usize): usize {
  const slot = pointerSlot(map, key)
  return slot == 0 ? 0 : pointerAt(slot)
}

/** From a program; a percpu_array's value is this CPU's copy. */
export function arrayMapUpdateElem (map: usize, key: usize, value: usize, flags: u64): i32 {
  return write(map, arrayMapLookupElem(map, key), value, flags)
}

export function perCpuArrayUpdateElem (map: usize, key: usize, value: usize, flags: u64, cpu: u32): i32 {
  return write(map, perCpuArrayLookupElem(map, key, cpu), value, flags)
}

/** The order of the checks shows where a request is wrong in two ways. */
function write (map: usize, to: usize, value: usize, flags: u64): i32 {
  if ((flags & ~BPF_F_LOCK) > BPF_EXIST) return -EINVAL
  if (to == 0) return -E2BIG
  if ((flags & BPF_NOEXIST) != 0) return -EEXIST
  if ((flags & BPF_F_LOCK) != 0) return -EINVAL
  copyBytes(to, value, load<u32>(map + MAP_VALUE_SIZE))
  return 0
}

/** Swaps the inner map pointer in one store. @returns 0, or -E2BIG out of bounds */
export function arrayOfMapsSwap (map: usize, key: usize, inner: usize, old: usize): i32 {
  const slot = pointerSlot(map, key)
  if (slot == 0) return -E2BIG
  store<u32>(old, atomic.xchg<u32>(slot, inner as u32))
  return 0
}

/** Gives every element of a percpu_array its per-CPU object. @returns false if the memory did not suffice */
export function fillPerCpuArray (map: usize): bool {
  const size = round8(load<u32>(map + MAP_VALUE_SIZE))
  const entries = load<u32>(map + MAP_MAX_ENTRIES)
  for (let i: u32 = 0; i < entries; i++) {
    const object = allocatePerCpu(size, map)
    if (object == 0) return false
    setPointer(map + ARRAY_VALUE + ((i as usize) << 3), object)
  }
  return true
}

export function emptyPerCpuArray (map: usize): void {
  const entries = load<u32>(map + MAP_MAX_ENTRIES)
  for (let i: u32 = 0; i < entries; i++) releasePerCpu(pointerAt(map + ARRAY_VALUE + ((i as usize) << 3)))
}

/** Copies all CPUs' values between a percpu object and a user buffer of C x round8(value_size) bytes. */
export function copyFromPerCpu (buffer: usize, object: usize, size: u32): void {
  for (let cpu: u32 = 0; cpu < POSSIBLE_CPUS; cpu++) {
    memory.copy(buffer + ((cpu * size) as usize), object + (cpu as usize) * PERCPU_STRIDE, size as usize)
  }
}

export function copyToPerCpu (object: usize, buffer: usize, size: u32): void {
  for (let cpu: u32 = 0; cpu < POSSIBLE_CPUS; cpu++) {
    memory.copy(object + (cpu as usize) * PERCPU_STRIDE, buffer + ((cpu * size) as usize), size as usize)
  }
}

export function pointerSlot (map: usize, key: usize): usize {
  const index = load<u32>(key)
  if (index >= load<u32>(map + MAP_MAX_ENTRIES)) return 0
  return map + ARRAY_VALUE + ((index & load<u32>(map + ARRAY_INDEX_MASK)) as usize << 3)
}
