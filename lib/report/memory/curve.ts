// Bytes of one table over the number of backends, for the node's layout and policy: what a mix does not have is computed from the shape
// that such a table would have.

import { FLAT_ELEMENT_BYTES, innerAttributes } from '../../loadbalancer/index.ts'
import type { TableLayout } from '../../loadbalancer/index.ts'
import { chooseTableSize } from '../../maglev/index.ts'
import type { Leaving } from '../disruption/leaving.ts'
import type { MemoryRow } from './rows.ts'
import type { ReportNode } from '../subject/source.ts'
import { shapeBytes } from './map-bytes.ts'
import type { Bytes } from './map-bytes.ts'

export interface CurvePoint extends Bytes {
  readonly backends: number
  readonly m: number
  /** how memlockBytes comes about */
  readonly formula: string
  /** when one backend leaves; null where tables so large have no service here */
  readonly disruption: Leaving | null
}

const sizes = [1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000] as const

/** Sizes of the curve that the subject has no services of. */
export function curveSizes (classes: ReadonlyArray<{ readonly backends: number }>): number[] {
  return sizes.filter((size) => classes.every(({ backends }) => backends !== size))
}

/**
 * A point for each size of the subject and a few more; a service that has another M (tables keep theirs) is in the rows.
 * @param disruptionOf for curveSizes
 */
export function tableCurve (
  node: ReportNode, rows: readonly MemoryRow[], disruptionOf: (backends: number) => Leaving | null
): CurvePoint[] {
  const own = rows.map(({ backends }) => backends).filter((backends) => backends > 0)
  return [...new Set([...sizes, ...own])].sort((one, other) => one - other).map((backends) => {
    const { m } = chooseTableSize(node.tableSizePolicy, null, backends)
    const disruption = rows.find((row) => row.backends === backends && row.m === m)?.disruption ?? disruptionOf(backends)
    return { backends, m, ...tableBytes(node, m, backends), formula: tableFormula(node, m, backends), disruption }
  })
}

function tableBytes (node: ReportNode, m: number, backends: number): Bytes {
  const layout = node.layout as TableLayout
  if (layout === 'flat') return { memlockBytes: m * FLAT_ELEMENT_BYTES, allocatedBytes: m * FLAT_ELEMENT_BYTES }
  return shapeBytes(node, {
    type: 'array', ...innerAttributes(layout, m, backends), possibleCpus: node.possibleCpus, bypassSpecV1: !node.spectreMasking
  })
}

/** The struct of an array, its elements in whole 8 bytes, and on kernels that charge pages, the rest of the last one. */
function tableFormula (node: ReportNode, m: number, backends: number): string {
  const layout = node.layout as TableLayout
  if (layout === 'flat') return `${m} x 8, a part of the array`
  const { maxEntries, valueSize } = innerAttributes(layout, m, backends)
  return `array struct + ${maxEntries} x ${Math.ceil(valueSize / 8) * 8}`
}
