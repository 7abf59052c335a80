// A map that the balancer's object does not declare, kept beside the kernel.

import { failure, success } from '../bpf/profile/errno.ts'
import type { MapPort } from './ports.ts'

export function plainMap (maxEntries: number): MapPort {
  const entries = new Map<string, [key: Uint8Array, value: Uint8Array]>()
  const nameOf = (key: Uint8Array): string => key.join()
  return {
    lookup (key) {
      const entry = entries.get(nameOf(key))
      return entry === undefined ? failure('ENOENT', 'no such key') : success(entry[1].slice())
    },
    update (key, value) {
      if (entries.size >= maxEntries && !entries.has(nameOf(key))) return failure('E2BIG', 'the map is full')
      entries.set(nameOf(key), [key.slice(), value.slice()])
      return success(undefined)
    },
    delete: key => entries.delete(nameOf(key)) ? success(undefined) : failure('ENOENT', 'no such key'),
    entries: () => entries.values()
  }
}
