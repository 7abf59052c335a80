// The balance report: how evenly slots and flows are spread over the backends of services, weights wanted and got.
//
// Slots are counted in tables that the same fill makes as the nodes' own. Flows are run: a seeded population of them goes through the
// node's program, and the backend is read from the rewritten packet; a chi-square test says whether flows differ from slots by more than
// chance.
import { defaultSeed, parseSeed } from '../../maglev/index.ts'
import { ReportRefusal } from '../context.ts'
import type { ReportContext, ReportProgress, ReportSteps } from '../context.ts'
import { classify } from '../subject/classes.ts'
import type { FrontendClass } from '../subject/classes.ts'
import type { ReportBackend, ReportFrontend, ReportNode, Subject } from '../subject/source.ts'
import { backendsInTable } from '../subject/table-backends.ts'
import { eachMeasure, imbalanceOf } from './evenness.ts'
import type { Evenness } from './evenness.ts'
import { flowBalances, nameOf } from './flows.ts'
import type { Counted, FlowBalance } from './flows.ts'
import { SlotCounter } from './slots.ts'
import type { SlotBalance } from './slots.ts'

export interface BalanceRow {
  readonly family: 4 | 6
  readonly backends: number
  readonly m: number
  /** how many frontends of the subject are of this class */
  readonly frontends: number
  /** of slots by weight, where weights count: mean over the class, and the frontend furthest from even */
  readonly slots: { readonly mean: Evenness, readonly worst: Evenness, readonly worstFrontend: string }
  /** most backends of a frontend that have no slot */
  readonly withoutSlots: number
  /** frontends whose weights differ, those of them where Cilium ignores that, and the worst share got over the one wanted, less 1 */
  readonly weights: { readonly frontends: number, readonly ignored: number, readonly worstError: number } | null
  /** null where no flow was served, and where the cluster changed meanwhile */
  readonly flows: FlowBalance | null
}

export interface WeightedBackend {
  readonly address: string
  readonly port: number
  readonly weight: number
  readonly wantedShare: number
  readonly slots: number
  readonly gotShare: number
  /** gotShare / wantedShare - 1 */
  readonly relativeError: number
}

export interface NodeBalance {
  readonly node: string
  readonly layout: string
  readonly rows: readonly BalanceRow[]
  /** frontends furthest from even, at most ten */
  readonly worst: ReadonlyArray<{ readonly frontend: string, readonly backends: number, readonly m: number, readonly imbalance: number }>
  /** frontends whose weights differ, those with the largest errors first, at most eight, and of each at most 32 backends */
  readonly weighted: readonly WeightedFrontend[]
  /** what Cilium accepts without a word, by code */
  readonly warnings: readonly Warned[]
}

export interface Warned {
  readonly code: string
  readonly frontends: number
  /** the first of them, and what is said of it */
  readonly frontend: string
  readonly message: string
}

export interface WeightedFrontend {
  readonly frontend: string
  readonly m: number
  /** Cilium ignores weights that average below 2 */
  readonly ignored: boolean
  readonly backends: readonly WeightedBackend[]
}

export interface BalanceReport {
  readonly kind: 'balance'
  readonly subject: Subject
  /** of the flows */
  readonly seed: number
  readonly nodes: readonly NodeBalance[]
  readonly notes: readonly string[]
}

export interface BalanceOptions {
  /** of the flows; 1 unless said */
  readonly seed?: number
  /** to one frontend of each class, about so many in each population; 4096 unless said */
  readonly flows?: number
  /** populations of so many flows, for the intervals; 5 unless said */
  readonly trials?: number
}

export const balanceDefaults = { flows: 4096, trials: 5 } as const
/** flows that one row may run */
const rowFlows = 1_000_000
/** and all rows together: minutes */
const allFlows = 50_000_000
const worstListed = 10
const weightedListed = 8
const weightedBackends = 32

export function * balanceReport (context: ReportContext, options: BalanceOptions): ReportSteps<BalanceReport> {
  const plan = { seed: 1, ...balanceDefaults, ...options }
  if (plan.flows * plan.trials > rowFlows) {
    throw new ReportRefusal('/flows', `${plan.trials} populations of ${plan.flows} flows are more than ${rowFlows} for a class`)
  }
  const asked = context.nodes.map((name) => {
    const node = context.source.getNode(name)
    const frontends = context.source.listFrontends(name)
    return { node, frontends, classes: classify(frontends, { protocol: false }), counter: context.source.flowCounter(name) }
  })
  const count = asked.reduce((sum, { classes }) => sum + classes.length, 0)
  if (plan.flows * plan.trials * count > allFlows) {
    throw new ReportRefusal('/flows', `${plan.trials} populations of ${plan.flows} flows for ${count} rows are more than ${allFlows}; ask for fewer`)
  }
  const total = asked.reduce((sum, { classes }) => sum + classes.reduce((all, { frontends }) => all + frontends.length + plan.trials, 0), 0)
  let done = 0
  const progress = (): ReportProgress => ({ done, total, unit: 'tables and populations' })
  yield progress()

  const known = new Map<string, SlotBalance>()
  const nodes: NodeBalance[] = []
  for (const { node, frontends, classes, counter } of asked) {
    const counted: Counted[][] = []
    for (const group of classes) {
      const slotCounter = new SlotCounter(group.m, seedOf(node))
      const own: Counted[] = []
      for (const frontend of group.frontends) {
        const backends = backendsInTable(frontend)
        const key = `${node.seed} ${group.m} ${contentOf(backends)}`
        const slots = known.get(key) ?? slotCounter.count(backends)
        known.set(key, slots)
        own.push({ frontend, backends, m: group.m, slots })
        done++
        yield progress()
      }
      counted.push(own)
    }
    const flows = flowBalances(counter, counted.map(([first]) => first as Counted), plan)
    let step = flows.next()
    for (; step.done !== true; step = flows.next()) yield { ...progress(), done: done + step.value * classes.length }
    done += plan.trials * classes.length
    const rows = classes.map((group, index) => rowOf(context, group, counted[index] ?? [], step.value?.[index] ?? null))
    nodes.push({ node: node.name, layout: node.layout, rows, ...lists(counted.flat()), warnings: warningsOf(frontends) })
  }
  return { kind: 'balance', subject: context.subject, seed: plan.seed, nodes, notes }
}

const notes: readonly string[] = [
  'Slots: counted in tables made by the fill that the nodes\' tables come from, for the backends that are in them; addresses do not matter for how many slots equal backends get, they differ by one at most.',
  'Flows: run through the node\'s program, the backend read from the rewritten packet; to one frontend of each class, as likely as the others, in populations of distinct flows.',
  'Measures are of slots or flows in relation to the weight, where weights count; intervals are 95 % for the mean over the populations (Student\'s t).',
  'Chi-square: flows of all populations against slots; a p-value below 0.01 is rare when flows follow the slots, but with a hundred rows one is expected.'
]

function rowOf ({ scale }: ReportContext, group: FrontendClass, counted: readonly Counted[], flows: FlowBalance | null): BalanceRow {
  const worst = counted.reduce((most, one) => imbalanceOf(one.slots.evenness) > imbalanceOf(most.slots.evenness) ? one : most)
  const mean = (measure: keyof Evenness): number => counted.reduce((sum, { slots }) => sum + slots.evenness[measure], 0) / counted.length
  const weighted = counted.flatMap(({ slots }) => slots.weights ?? [])
  return {
    family: group.family,
    backends: group.backends,
    m: group.m,
    frontends: scale?.frontendsOf(group.backends) ?? counted.length,
    slots: {
      mean: eachMeasure(mean),
      worst: worst.slots.evenness,
      worstFrontend: nameOf(worst.frontend)
    },
    withoutSlots: counted.reduce((most, { slots }) => Math.max(most, slots.withoutSlots), 0),
    weights: weighted.length === 0
      ? null
      : {
          frontends: weighted.length,
          ignored: weighted.filter(({ ignored }) => ignored).length,
          worstError: weighted.reduce((most, { worstError }) => Math.abs(worstError) > Math.abs(most) ? worstError : most, 0)
        },
    flows
  }
}

function lists (counted: readonly Counted[]): Pick<NodeBalance, 'worst' | 'weighted'> {
  const byImbalance = counted.map((one) => ({ one, imbalance: imbalanceOf(one.slots.evenness) })).filter(({ imbalance }) => imbalance > 0)
    .sort((a, b) => b.imbalance - a.imbalance || a.one.frontend.id - b.one.frontend.id)
  const byError = counted.flatMap((one) => one.slots.weights === null ? [] : [{ one, weights: one.slots.weights }])
    .sort((a, b) => Math.abs(b.weights.worstError) - Math.abs(a.weights.worstError) || a.one.frontend.id - b.one.frontend.id)
  return {
    worst: byImbalance.slice(0, worstListed).map(({ one, imbalance }) =>
      ({ frontend: nameOf(one.frontend), backends: one.backends.length, m: one.m, imbalance })),
    weighted: byError.slice(0, weightedListed).map(({ one, weights }) =>
      ({ frontend: nameOf(one.frontend), m: one.m, ignored: weights.ignored, backends: weightedOf(one, weights) }))
  }
}

function weightedOf ({ backends, slots, m }: Counted, { wanted, errors }: NonNullable<SlotBalance['weights']>): WeightedBackend[] {
  return backends.map(({ address, port, weight }, index) => ({
    address,
    port,
    weight,
    wantedShare: wanted[index] as number,
    slots: slots.counts[index] as number,
    gotShare: (slots.counts[index] as number) / m,
    relativeError: errors[index] as number
  })).sort((a, b) => Math.abs(b.relativeError) - Math.abs(a.relativeError)).slice(0, weightedBackends)
}

function warningsOf (frontends: readonly ReportFrontend[]): NodeBalance['warnings'] {
  const byCode = new Map<string, { code: string, frontends: number, frontend: string, message: string }>()
  for (const frontend of frontends) {
    for (const { code, message } of frontend.warnings) {
      const known = byCode.get(code)
      if (known === undefined) byCode.set(code, { code, frontends: 1, frontend: nameOf(frontend), message })
      else known.frontends++
    }
  }
  return [...byCode.values()].sort((one, other) => one.code < other.code ? -1 : 1)
}

const contentOf = (backends: readonly ReportBackend[]): string =>
  backends.map(({ address, port, protocol, weight }) => `${address} ${port} ${protocol} ${weight}`).join()

function seedOf ({ seed }: ReportNode): ReturnType<typeof defaultSeed> {
  const parsed = parseSeed(seed)
  return parsed.ok ? parsed.seed : defaultSeed()
}
