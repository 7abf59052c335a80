// The chart that most reports have: something of each node's services over their number of backends.

import type { Chart, Point } from './document.ts'

interface ChartNode {
  readonly node: string
  readonly layout: string
}

/** as legends name a node */
export const nodeName = ({ node, layout }: ChartNode): string => `${node} (${layout})`

/** A line for each node over the number of backends. */
export function sizeChart<N extends ChartNode> (
  nodes: readonly N[], about: Pick<Chart, 'id' | 'title' | 'description' | 'y'>, pointsOf: (node: N) => readonly Point[]
): Chart {
  return {
    ...about,
    form: 'lines',
    x: { label: 'backends of the service', unit: null, scale: 'log' },
    series: nodes.map((node) => ({ name: nodeName(node), points: pointsOf(node) }))
  }
}

/** Rows of one family, IPv4 where there are any, so that a line has one point for each size. */
export function mainRows<R extends { readonly family: 4 | 6 }> ({ rows }: { readonly rows: readonly R[] }): R[] {
  const main = rows.some(({ family }) => family === 4) ? 4 : 6
  return rows.filter(({ family }) => family === main)
}
