// The disruption report: what moves when backends, their weights or M change. Tables are made before and after each change with the real
// fill (lib/maglev, which the nodes' own tables come from), for backends that are drawn, and compared slot by slot.
//
// A flow picks slot hash mod M. So the share of slots whose backend changes is the share of new flows that go elsewhere. Established flows
// are in the conntrack map, which Cilium asks before the table: they keep their backend while it lives, whatever the table says, and lose
// it with the backend. Where nobody tracks them, without conntrack or on another node with the same table, they fare like new ones.

import type { TableSizePolicy } from '../../maglev/index.ts'
import { ReportRefusal } from '../context.ts'
import type { ReportContext, ReportProgress, ReportSteps } from '../context.ts'
import { classify } from '../subject/classes.ts'
import type { FrontendClass } from '../subject/classes.ts'
import type { ReportNode, Subject } from '../subject/source.ts'
import { changesOfClass } from './class-changes.ts'
import type { ChangeResult } from './class-changes.ts'
import { ClassPopulations } from './class-populations.ts'
import type { Addresses } from './class-populations.ts'
import { planOf, trialsOf } from './plan.ts'
import type { DisruptionOptions, DisruptionPlan } from './plan.ts'
import { seedOf } from './population.ts'
import { ruleOfThumb } from './rule-of-thumb.ts'
import type { RuleOfThumbRow } from './rule-of-thumb.ts'
import type { ClassQuestion } from './single-changes.ts'

export interface DisruptionRow extends ChangeResult {
  readonly family: 4 | 6
  /** N, backends in the table before */
  readonly backends: number
  readonly m: number
  /** how many frontends of the subject are of this class */
  readonly frontends: number
}

export interface NodeDisruption {
  readonly node: string
  readonly layout: string
  readonly tableSizePolicy: TableSizePolicy
  readonly rows: readonly DisruptionRow[]
}

export interface DisruptionReport {
  readonly kind: 'disruption'
  readonly subject: Subject
  /** of everything that is drawn */
  readonly seed: number
  /** asked for, null: by M; how many a row has is in its figures */
  readonly trials: number | null
  readonly addresses: Addresses
  readonly nodes: readonly NodeDisruption[]
  /** imbalance and collateral of the ten table sizes at N = M / 100 */
  readonly ruleOfThumb: readonly RuleOfThumbRow[]
  readonly notes: readonly string[]
}

interface Job extends ClassQuestion {
  readonly key: string
}

export function * disruptionReport (context: ReportContext, options: DisruptionOptions): ReportSteps<DisruptionReport> {
  const plan = planOf(options)
  const populations = new ClassPopulations(context, plan)
  const { addresses } = populations
  if (addresses === 'own' && options.addresses !== undefined) {
    throw new ReportRefusal('/addresses', 'backends of the cluster have addresses of their own; addresses are chosen for a mix')
  }
  const nodes = context.nodes.map((name) => nodeClasses(context, context.source.getNode(name)))
  const planned = nodes.map(({ node, classes }) =>
    ({ node, classes: classes.map((group) => ({ group, job: jobOf(node, group, populations) })) }))
  const jobs = new Map(planned.flatMap(({ classes }) => classes.map(({ job }) => [job.key, job])))
  const trials = [...jobs.values()].reduce((sum, { m }) => sum + trialsOf(plan, m), 0)
  const progress = (done: number): ReportProgress => ({ done, total: trials + trialsOf(plan, 0), unit: 'trials' })
  yield progress(0)

  const results = yield * answers(jobs, plan, progress)
  const rule = ruleOfThumb(seedOf(nodes[0]?.node.seed ?? ''), plan)
  let thumb = rule.next()
  for (; thumb.done !== true; thumb = rule.next()) yield progress(trials)
  return {
    kind: 'disruption',
    subject: context.subject,
    seed: plan.seed,
    trials: plan.trials,
    addresses,
    nodes: planned.map(({ node, classes }) => ({
      node: node.name,
      layout: node.layout,
      tableSizePolicy: node.tableSizePolicy,
      rows: classes.flatMap(({ group, job }) => (results.get(job.key) ?? []).map((result) => rowOf(context, group, result)))
    })),
    ruleOfThumb: thumb.value,
    notes
  }
}

function * answers (
  jobs: ReadonlyMap<string, Job>, plan: DisruptionPlan, progress: (done: number) => ReportProgress
): ReportSteps<Map<string, ChangeResult[]>> {
  const results = new Map<string, ChangeResult[]>()
  let before = 0
  for (const [key, job] of jobs) {
    const steps = changesOfClass(job, plan)
    let step = steps.next()
    for (; step.done !== true; step = steps.next()) yield progress(before + step.value.trial)
    results.set(key, step.value)
    before += trialsOf(plan, job.m)
  }
  return results
}

const notes: readonly string[] = [
  'Computed with the fill that the nodes\' tables come from: a table before and one after for every trial, compared slot by slot; shares are of all flows to the service.',
  'Needed is what no table could have spared: slots whose backend left or whose next backend came; for a weight, half the sum by which wanted shares differ; for a rolling restart one move of every flow. Collateral is the rest.',
  'Of a mix each trial is of another service, whose addresses are drawn, unless addresses in sequence are asked for: then all trials are of one. Of a cluster they are of its own services.',
  'Ends of intervals: 95 % for the mean, Student\'s t; smaller where the trials are a good part of all there could be, none where they are all. The largest is the largest of the trials: more trials may find larger ones.',
  'Established flows are tracked: they keep their backend while it lives and lose it with the backend, however the table changes. Untracked ones (no conntrack, another node after a failover) go where the new table says.',
  'With another M a flow stays with probability sum over backends of share before x share after: computed, since hash mod M and hash mod M\' are independent for two primes.',
  'Restarts of one class take at most 40 tables, other sizes of M are tried on at most 5 services, so those rows may have fewer trials.'
]

interface NodeClasses {
  readonly node: ReportNode
  readonly classes: readonly FrontendClass[]
}

function nodeClasses ({ source }: ReportContext, node: ReportNode): NodeClasses {
  return { node, classes: classify(source.listFrontends(node.name), { protocol: false }) }
}

/** The same question, whoever asks it, has the same key. */
function jobOf (node: ReportNode, group: FrontendClass, populations: ClassPopulations): Job {
  const population = populations.of(group)
  const { m } = group
  const policy = node.tableSizePolicy
  return { key: [population.key, m, node.seed, JSON.stringify(policy)].join(' '), population, m, policy, seed: seedOf(node.seed) }
}

function rowOf ({ scale }: ReportContext, { family, backends, m, frontends }: FrontendClass, result: ChangeResult): DisruptionRow {
  return { family, backends, m, frontends: scale?.frontendsOf(backends) ?? frontends.length, ...result }
}
