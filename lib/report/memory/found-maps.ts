// What `bpftool map show -j` shows on a real machine, set against what is predicted for a node. Kernels keep 15 characters of a name, and
// two of Cilium's are the same up to there, so key and value sizes tell too.

import { memlockBytes } from '../../bpf/map/memory.ts'
import type { MapShape } from '../../bpf/map/memory.ts'
import { BPF_F_NO_PREALLOC } from '../../bpf/map/index.ts'
import { innerMapName } from '../../datapath/index.ts'
import { nameOf } from '../subject/map-names.ts'
import type { ReportMap, ReportNode } from '../subject/source.ts'
import type { ConnectionMap } from './cilium-maps.ts'
import type { MapGroup } from './groups.ts'
import { preallocated, profileOf, shapeOf } from './map-bytes.ts'
import type { NodeKernel } from './map-bytes.ts'
import type { MemoryRow } from './rows.ts'

/** As bpftool prints a map; of what it prints beside this nothing is read. */
export interface FoundMap {
  readonly id?: number
  /** a number where bpftool does not know the type */
  readonly type: string | number
  readonly name?: string
  readonly flags?: number
  readonly bytes_key: number
  readonly bytes_value: number
  readonly max_entries: number
  readonly bytes_memlock?: number
}

export interface FoundComparison {
  readonly maps: readonly ComparedMap[]
  /** inner maps of the tables by shape, found and predicted */
  readonly tables: readonly ComparedTables[]
  /** of maps and tables */
  readonly total: { readonly foundBytes: number, readonly predictedBytes: number, readonly differenceBytes: number }
  /** maps that are neither the load balancer's nor Cilium's for connections */
  readonly others: { readonly maps: number, readonly memlockBytes: number, readonly names: readonly string[] }
}

interface ComparedMap {
  /** Cilium's name */
  readonly name: string
  /** maps of that name, key and value */
  readonly found: number
  readonly foundBytes: number
  readonly predictedBytes: number
  /** found - predicted; null where there is none to compare */
  readonly differenceBytes: number | null
  readonly foundMaxEntries: number | null
  readonly predictedMaxEntries: number
  /** what the formula gives for the map that was found, with the elements that are predicted: what other sizes or flags explain */
  readonly foundShapeBytes: number | null
  /** elements in it, by its memlock; null for preallocated maps, whose memlock does not tell */
  readonly foundEntries: number | null
}

interface ComparedTables {
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags: number
  readonly found: number
  readonly predicted: number
  readonly foundBytes: number
  readonly predictedBytes: number
}

interface Predicted {
  readonly node: ReportNode
  readonly maps: readonly ReportMap[]
  readonly groups: readonly MapGroup[]
  readonly rows: readonly MemoryRow[]
  readonly connections: readonly ConnectionMap[]
}

const NAME_CHARS = 15
const NAMES_LISTED = 20

export function compareFound (found: readonly FoundMap[], { node, maps, groups, rows, connections }: Predicted): FoundComparison {
  const rest = new Set(found)
  const take = (accepts: (map: FoundMap) => boolean): FoundMap[] => {
    const taken = [...rest].filter(accepts)
    for (const map of taken) rest.delete(map)
    return taken
  }
  const predictions = [
    ...maps.map((map) => predictionOf(node, map, groups)),
    ...connections.map((map): Prediction => ({
      name: map.name,
      memlockBytes: map.memlockBytes,
      shape: { ...map, flags: map.type === 'hash' ? BPF_F_NO_PREALLOC : 0, possibleCpus: node.possibleCpus, elements: 0 }
    }))
  ]
  const compared = predictions.map((prediction) => compareMap(node, prediction, take((map) => isNamed(map, prediction))))
  const tables = compareTables(rows, take((map) => nameChars(map) === innerMapName.slice(0, NAME_CHARS)))
  // a machine has no maps for what is switched off: those are no difference
  const shown = compared.filter((map) => map.found > 0 || !connections.some(({ name }) => name === map.name))
  const foundBytes = sum(shown, (map) => map.foundBytes) + sum(tables, (table) => table.foundBytes)
  const predictedBytes = sum(shown, (map) => map.predictedBytes) + sum(tables, (table) => table.predictedBytes)
  return {
    maps: shown,
    tables,
    total: { foundBytes, predictedBytes, differenceBytes: foundBytes - predictedBytes },
    others: {
      maps: rest.size,
      memlockBytes: sum([...rest], memlockOf),
      names: [...new Set([...rest].map((map) => nameChars(map) === '' ? `(${map.type})` : nameChars(map)))].sort().slice(0, NAMES_LISTED)
    }
  }
}

interface Prediction {
  readonly name: string
  readonly memlockBytes: number
  readonly shape: MapShape
}

function predictionOf (node: NodeKernel, map: ReportMap, groups: readonly MapGroup[]): Prediction {
  const group = groups.find(({ name }) => name === nameOf(map))
  return { name: nameOf(map), memlockBytes: group?.memlockBytes ?? map.bytes_memlock, shape: shapeOf(node, map, group?.entries) }
}

const nameChars = ({ name = '' }: FoundMap): string => name.slice(0, NAME_CHARS)
const memlockOf = ({ bytes_memlock: bytes = 0 }: FoundMap): number => bytes

function isNamed (map: FoundMap, { name, shape }: Prediction): boolean {
  return nameChars(map) === name.slice(0, NAME_CHARS) && map.type === shape.type &&
    map.bytes_key === shape.keySize && map.bytes_value === shape.valueSize
}

function compareMap (node: NodeKernel, { name, memlockBytes: predictedBytes, shape }: Prediction, found: readonly FoundMap[]): ComparedMap {
  const [first] = found
  const foundBytes = sum(found, memlockOf)
  const foundShape: MapShape | null = first === undefined ? null : { ...shape, maxEntries: first.max_entries, flags: first.flags ?? 0 }
  return {
    name,
    found: found.length,
    foundBytes,
    predictedBytes,
    differenceBytes: first === undefined ? null : foundBytes - predictedBytes,
    foundMaxEntries: first?.max_entries ?? null,
    predictedMaxEntries: shape.maxEntries,
    foundShapeBytes: foundShape === null ? null : memlockBytes(profileOf(node), foundShape),
    foundEntries: foundShape === null || found.length > 1 ? null : entriesBy(node, foundShape, foundBytes)
  }
}

/** Maps that take their elements one by one tell by their weight how many they hold, on kernels that weigh what there is. */
function entriesBy (node: NodeKernel, shape: MapShape, foundBytes: number): number | null {
  const profile = profileOf(node)
  if (profile.accounting !== 'exact' || preallocated(shape) || !['hash', 'hash_of_maps'].includes(shape.type)) return null
  const weigh = (elements: number): number => memlockBytes(profile, { ...shape, elements })
  const entries = (foundBytes - weigh(0)) / (weigh(1) - weigh(0))
  return Number.isInteger(entries) && entries >= 0 ? entries : null
}

const none = { found: 0, predicted: 0, foundBytes: 0, predictedBytes: 0 } as const

function compareTables (rows: readonly MemoryRow[], found: readonly FoundMap[]): ComparedTables[] {
  const byShape = new Map<string, ComparedTables>()
  const add = (shape: Pick<ComparedTables, 'valueSize' | 'maxEntries' | 'flags'>, more: Partial<ComparedTables>): void => {
    const key = `${shape.valueSize} ${shape.maxEntries} ${shape.flags}`
    const one = byShape.get(key) ?? { ...none, valueSize: shape.valueSize, maxEntries: shape.maxEntries, flags: shape.flags }
    byShape.set(key, {
      ...one,
      found: one.found + (more.found ?? 0),
      predicted: one.predicted + (more.predicted ?? 0),
      foundBytes: one.foundBytes + (more.foundBytes ?? 0),
      predictedBytes: one.predictedBytes + (more.predictedBytes ?? 0)
    })
  }
  for (const { tableShape, frontends, table } of rows) {
    if (tableShape !== null) add(tableShape, { predicted: frontends, predictedBytes: frontends * table.memlockBytes })
  }
  for (const map of found) {
    add({ valueSize: map.bytes_value, maxEntries: map.max_entries, flags: map.flags ?? 0 }, { found: 1, foundBytes: memlockOf(map) })
  }
  return [...byShape.values()].sort((one, other) => one.valueSize - other.valueSize || one.maxEntries - other.maxEntries)
}

const sum = <T>(values: readonly T[], of: (value: T) => number): number => values.reduce((total, value) => total + of(value), 0)
