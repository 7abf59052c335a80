// BPF_MAP_CREATE: checks in the kernel's order, then memory.

import type { Core } from '../core/index.ts'
import { failure, success } from '../profile/errno.ts'
import type { Result } from '../profile/errno.ts'
import { checkCommon, checkName } from './checks.ts'
import { BPF_F_RDONLY, BPF_F_WRONLY, BPF_F_ZERO_SEED } from './flags.ts'
import type { MapKind } from './kind.ts'
import { findKind } from './kinds.ts'
import { LiveMap } from './live-map.ts'
import { isChargeable, memlockBytes } from './memory.ts'
import { powerOfTwo } from './size-classes.ts'
import { checkTemplate } from './template.ts'
import type { KernelMap, MapAttr, MapTraits } from './types.ts'

const indexed = ['array', 'percpu_array', 'array_of_maps']

export function createMap (core: Core, attr: MapAttr): Result<KernelMap> {
  const kind = findKind(attr.type)
  const refused = checkCommon(attr) ?? kind?.check(attr) ?? null
  if (refused !== null) return refused
  if (kind === undefined) return failure('EOPNOTSUPP', `maps of type ${attr.type} are not emulated`)
  const template = templateOf(kind, attr)
  if (!template.ok) return template
  const tooLarge = kind.checkRoom(attr)
  if (tooLarge !== null) return tooLarge
  const { bypassSpecV1 = true, keySize, valueSize, flags } = attr
  const maxEntries = kind.maxEntries(attr, core.possibleCpus)
  const shape = { type: kind.name, keySize, valueSize, maxEntries, flags, possibleCpus: core.possibleCpus, bypassSpecV1 }
  if (!isChargeable(core.profile, shape)) return failure('E2BIG', 'the map would be charged 4 GiB or more')
  const wrongName = checkName('map', attr.name ?? '')
  if (wrongName !== null) return wrongName

  const kept = (flags & ~(BPF_F_RDONLY | BPF_F_WRONLY)) >>> 0
  const entries = !bypassSpecV1 && indexed.includes(attr.type) ? powerOfTwo(maxEntries) : maxEntries
  const seed = (flags & BPF_F_ZERO_SEED) !== 0 ? 0 : attr.hashSeed
  const address = core.exports.createMap(kind.number, keySize, valueSize, maxEntries, kept, attr.id, entries, seed) >>> 0
  if (address === 0) return failure('ENOMEM', `no memory left for ${attr.type} of ${memlockBytes(core.profile, shape)} bytes`)
  return success(new LiveMap(core, kind, {
    address,
    userFlags: flags & (BPF_F_RDONLY | BPF_F_WRONLY),
    onFree: attr.onFree,
    traits: {
      id: attr.id,
      name: attr.name ?? '',
      type: attr.type,
      keySize,
      valueSize,
      maxEntries,
      flags: kept,
      frozen: false,
      bypassSpecV1,
      ...(template.value === null ? {} : { inner: template.value })
    }
  }))
}

/** The template's attributes, copied: the map itself may be closed at once. */
function templateOf (kind: MapKind, { inner, type }: MapAttr): Result<MapTraits | null> {
  if (!kind.holdsMaps) return success(null)
  if (inner === undefined) return failure('EINVAL', `${type} needs an inner map as template`)
  const refused = checkTemplate(inner.type)
  if (refused !== null) return refused
  const { keySize, valueSize, maxEntries, flags, bypassSpecV1 } = inner
  return success({ id: 0, name: '', type: inner.type, keySize, valueSize, maxEntries, flags, frozen: false, bypassSpecV1 })
}
