// Why two nodes pick differently, in words: by their settings, and by the backends of their frontends.

import { backendKey, hostPort } from '../maglev/index.ts'
import type { Release } from '../maglev/index.ts'
import type { FrontendPair } from './comparison.ts'
import { isHidden } from './comparison-sides.ts'
import type { Side } from './comparison-sides.ts'
import { endpointOf, pickable } from './comparison-tables.ts'
import type { FrontendView, NodeSettings } from './types.ts'

export const comparisonCauseCodes = [
  'release-keys', 'release-hash', 'release-weights', 'seed', 'table-size', 'backends', 'weights', 'algorithm', 'defect', 'protocol-hidden', 'layout'
] as const

export interface ComparisonCause {
  readonly code: typeof comparisonCauseCodes[number]
  /** in words; what does not move anything says so */
  readonly detail: string
}

export function comparisonCauses (a: Side, b: Side, pairs: readonly FrontendPair[]): ComparisonCause[] {
  return [
    ...releaseCauses(a.settings, b.settings),
    ...settingsCauses(a.settings, b.settings, pairs),
    ...hiddenCauses(pairs),
    ...backendCauses(pairs)
  ]
}

function releaseCauses ({ release: a }: NodeSettings, { release: b }: NodeSettings): ComparisonCause[] {
  if (a === b) return []
  const causes: ComparisonCause[] = []
  const example = { address: '10.0.0.1', port: 80, protocol: 'TCP' } as const
  const [one, other] = [backendKey(example, a), backendKey(example, b)]
  if (one !== other) causes.push({ code: 'release-keys', detail: `every table changes from release line ${a} to ${b}: backends are hashed and sorted as ${one} there, as ${other} here` })
  if (hashOrder(a) !== hashOrder(b)) {
    causes.push({ code: 'release-hash', detail: `the hash of a flow changes from release line ${a} to ${b}: ports are put together as ${hashOrder(a)} there, as ${hashOrder(b)} here, so flows come to another slot even of an equal table` })
  }
  if ((a === '1.9-1.12') !== (b === '1.9-1.12')) causes.push({ code: 'release-weights', detail: 'release lines before 1.13 know no weights' })
  return causes
}

/** as the wire's ports become one word */
const hashOrder = (release: Release): string => release === '1.17+' ? 'destination, source' : 'source, destination'

function settingsCauses (a: NodeSettings, b: NodeSettings, pairs: readonly FrontendPair[]): ComparisonCause[] {
  const causes: ComparisonCause[] = []
  if (a.seed !== b.seed) causes.push({ code: 'seed', detail: `the seeds differ (${a.seed}, ${b.seed}): tables and the hash of flows are others; all nodes of a cluster must share one` })
  const sizes = pairs.filter((pair) => pair.a.table !== null && pair.b.table !== null && pair.a.table.m !== pair.b.table.m)
  if (sizes.length > 0) {
    const [first] = sizes
    causes.push({ code: 'table-size', detail: `${sizes.length} of ${pairs.length} frontends have tables of another size, such as M = ${first?.a.table?.m} and ${first?.b.table?.m}: nearly every flow comes to another slot` })
  }
  causes.push(...randomCauses(pairs))
  if (a.defect !== b.defect) causes.push({ code: 'defect', detail: `the reader of tables: ${a.defect} there, ${b.defect} here (1.9.0 to 1.9.6 read slot 0 for the upper half)` })
  if (a.layout !== b.layout && causes.length === 0) causes.push({ code: 'layout', detail: `layouts ${a.layout} and ${b.layout} keep the same tables in another way: at the same M nothing moves by it` })
  return causes
}

/** by the nodes' settings or by services' own */
function randomCauses (pairs: readonly FrontendPair[]): ComparisonCause[] {
  const random = pairs.filter(({ a, b }) => a.table === null || b.table === null)
  if (random.length === 0) return []
  const [onA, onB] = [random.filter(({ a }) => a.table === null).length, random.filter(({ b }) => b.table === null).length]
  const sides = onB === 0 ? `${onA} on a` : onA === 0 ? `${onB} on b` : `${onA} on a and ${onB} on b`
  return [{
    code: 'algorithm',
    detail: `${random.length} of ${pairs.length} frontends pick a backend at random (${sides}), by the node's algorithm or the service's own: ` +
      'of N backends that both sides have, a new flow comes to another one with a chance of 1 - 1/N, and what one draw moves the next one does not; ' +
      'for flows that stay set algorithm to maglev'
  }]
}

/** A protocol that has no entry on one side, whose packets go to another protocol's backends there. */
function hiddenCauses (pairs: readonly FrontendPair[]): ComparisonCause[] {
  return (['a', 'b'] as const).flatMap((side): ComparisonCause[] => {
    const other = side === 'a' ? 'b' : 'a'
    const hidden = pairs.filter((pair) => isHidden(pair[side]) && !isHidden(pair[other]))
    const [first] = hidden
    if (first === undefined) return []
    const { address, port, protocol } = first[side]
    return [{
      code: 'protocol-hidden',
      detail: `${hidden.length} of ${pairs.length} frontends are hidden on ${side} by another protocol at the same address and port, such as ${protocol} ${hostPort(address, port)}, and their packets go to its backends: before 1.17 keys of services have no protocol`
    }]
  })
}

function backendCauses (pairs: readonly FrontendPair[]): ComparisonCause[] {
  const causes: ComparisonCause[] = []
  let [more, fewer, changed, weights] = [0, 0, 0, 0]
  for (const { a, b } of pairs) {
    const [before, after] = [inTable(a), inTable(b)]
    const gained = [...after.keys()].filter((key) => !before.has(key)).length
    const lost = [...before.keys()].filter((key) => !after.has(key)).length
    more += gained
    fewer += lost
    if (gained + lost > 0) changed++
    else if ([...before].some(([key, weight]) => after.get(key) !== weight)) weights++
  }
  if (changed > 0) causes.push({ code: 'backends', detail: `${changed} of ${pairs.length} frontends have other backends in their table: ${more} more, ${fewer} fewer` })
  if (weights > 0) causes.push({ code: 'weights', detail: `${weights} of ${pairs.length} frontends have the same backends with other weights` })
  return causes
}

/** endpoint -> weight of those that take new flows */
const inTable = (frontend: FrontendView): Map<string, number> =>
  new Map(pickable(frontend).map((backend) => [endpointOf(backend), backend.weight]))
