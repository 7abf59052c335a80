// What reports are asked: the same everywhere, and the options of each kind. Single values can be query parameters too.

import { Type, type TProperties, type TSchema } from 'typebox'
import { largestTableSize, supportedTableSizes } from '../../lib/maglev/index.ts'
import type { ReportKind } from '../../lib/report/index.ts'
import { limits } from './limits.ts'
import { closed, nodeExample, NodeCreation, NodeName } from './schemas.ts'

const seed = Type.Optional(Type.Integer({ minimum: 0, maximum: 4_294_967_295, description: 'Seed of what is drawn; 1 unless said. The same seed gives the same report.' }))

const list = (example: string, description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 256, description, examples: [example] }))
const amount = (description: string) => Type.Optional(Type.String({ pattern: '^[0-9]{1,5}%?$', maxLength: 6, description, examples: ['25%', '1'] }))

/** Options by kind, as members of a body. A name means the same in every kind that has it. */
const options: Readonly<Record<ReportKind, TProperties>> = {
  memory: {
    seed,
    trials: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.reportTrials, description: 'Backends that leave, one at a time, for the disruption of each row; 5 unless said.' }))
  },
  disruption: {
    seed,
    trials: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.reportTrials, description: 'Trials of each change for each row; for disruption 20 unless said.' })),
    changes: list('remove,at-once', 'Changes, with commas: remove, drain, add, weight, at-once, rolling-restart, table-size; all unless said.'),
    atOnce: list('2,10%', 'How many backends fail at once, numbers or percent with commas; `2,10%` unless said.'),
    weightFactors: list('0.5,2,0', 'By what the weight of one backend is multiplied, with commas; `0.5,2,0` unless said.'),
    maxSurge: amount('Backends over N during a rolling restart, a number or percent as in a Deployment; `25%` unless said.'),
    maxUnavailable: amount('Backends that may be missing during a rolling restart, a number or percent as in a Deployment; `25%` unless said.'),
    tableSize: Type.Optional(Type.Integer({ minimum: supportedTableSizes[0], maximum: largestTableSize, description: 'M that nodes with one M for all are given in its place; the next larger one unless said.' })),
    addresses: Type.Optional(Type.Union([Type.Literal('sequential'), Type.Literal('drawn')], { type: 'string', description: 'Backends of a mix: addresses in sequence unless said, or drawn anew for every trial. Those of the cluster are its own.' }))
  },
  'lookup-cost': {
    seed,
    flowsPerClass: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.flowsPerLookup, description: 'Flows that are run for each class of frontends; 16 unless said.' }))
  }
}

const scope = {
  mix: Type.Optional(Type.String({ minLength: 3, maxLength: limits.mixLength, description: 'Services by their number of backends: `700x3,200x10` is 700 services of 3 backends and 200 of 10. Left out: the current cluster.' })),
  nodes: Type.Optional(Type.Array(NodeName, { minItems: 1, maxItems: limits.nodes, uniqueItems: true, description: 'Nodes of the cluster, all where left out; not with a mix.' })),
  variants: Type.Optional(Type.Array(NodeCreation, { minItems: 1, maxItems: limits.reportVariants, description: 'Nodes to make for a mix; `cilium`, `dynamic`, `packed` and `compact` where left out.' }))
}

export const reportBody = (kind: ReportKind) => Type.Object({ ...scope, ...options[kind] }, {
  title: `${pascalCase(kind)}ReportBody`,
  description: 'What to report on.',
  ...closed,
  examples: [{ mix: '7x3,2x10', variants: [{ name: 'today', layout: 'blob', tableSizePolicy: { fixed: 1021 } }, nodeExample] }]
})

/** Query parameters of a report on the cluster. */
export const reportQuery = (kind: ReportKind): TProperties => ({
  nodes: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, pattern: '^[a-z0-9-]+(,[a-z0-9-]+)*$', description: 'Names of nodes, with commas; all where left out.' })),
  ...Object.fromEntries(Object.entries(options[kind]).filter(([, schema]) => isSingle(schema)))
})

/** Body of a run of kind `report`: which report, and what that report is asked. Which options belong to which kind its executor says. */
export const reportRunBody = (kinds: readonly ReportKind[]) => Type.Object({
  kind: Type.Literal('report'),
  report: Type.Unsafe<ReportKind>({ type: 'string', enum: [...kinds], description: 'Kind of report.' }),
  ...scope,
  ...Object.assign({}, ...kinds.map((kind) => options[kind])) as TProperties
}, {
  title: 'ReportRun',
  description: 'A report that takes its time, with its progress; the result is the report.',
  ...closed,
  examples: [{ kind: 'report', report: 'memory', mix: '7x3,2x10', trials: 20 }]
})

export const optionsOf = (kind: ReportKind): readonly string[] => Object.keys(options[kind])

const isSingle = ({ type }: TSchema & { type?: unknown }): boolean => ['integer', 'number', 'string', 'boolean'].includes(String(type))

const pascalCase = (text: string): string => text.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())
