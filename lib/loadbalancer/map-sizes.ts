// How many entries the maps of a node take: max_entries of each address family's map.

export const mapSizeNames = ['services', 'backends', 'revNat', 'maglev', 'affinity', 'sourceRange'] as const

/** `affinity` is for which backends a client may stay with, and for which one it does */
export type MapSizes = Readonly<Record<typeof mapSizeNames[number], number>>

/** Cilium's own default of every map (bpf-lb-map-max) */
export const defaultMapSize = 65536
/** hard ceiling of Cilium for sizes of its tables */
export const largestMapSize = 1 << 24

export function allMapSizes (maxEntries: number): MapSizes {
  return Object.fromEntries(mapSizeNames.map(name => [name, maxEntries])) as MapSizes
}
