// What reports are asked: the same everywhere, and the options of each kind. Single values can be query parameters too.

import { Type, type TProperties, type TSchema } from 'typebox'
import type { ReportKind } from '../../lib/report/index.ts'
import { limits } from './limits.ts'
import { closed, nodeExample, NodeCreation, NodeName } from './schemas.ts'

const seed = Type.Optional(Type.Integer({ minimum: 0, maximum: 4_294_967_295, description: 'Seed of what is drawn; 1 unless said. The same seed gives the same report.' }))

const u32 = (description: string) => Type.Integer({ minimum: 0, maximum: 4_294_967_295, description })

/** As bpftool prints it; what else it prints is taken and not read. */
const FoundMap = Type.Object({
  id: Type.Optional(u32('Id of the map.')),
  type: Type.Union([Type.String({ maxLength: 64 }), u32('Number of the type.')], { description: 'Type; a number where bpftool has no name for it.' }),
  name: Type.Optional(Type.String({ maxLength: 64, description: 'As the kernel keeps it: 15 characters.' })),
  flags: Type.Optional(u32('Flags of its creation.')),
  bytes_key: u32('Bytes of a key.'),
  bytes_value: u32('Bytes of a value.'),
  max_entries: u32('Most elements.'),
  bytes_memlock: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 48, description: 'Memory as the kernel reports it.' }))
}, { title: 'FoundMap', description: 'A map of a machine, as `bpftool map show -j` prints it.', maxProperties: 64, additionalProperties: true })

/** Options by kind, as members of a body. A name means the same in every kind that has it. */
const options: Readonly<Record<ReportKind, TProperties>> = {
  memory: {
    seed,
    trials: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.reportTrials, description: 'Backends that leave, one at a time, for the disruption of each row; 5 unless said.' })),
    services: Type.Optional(Type.Integer({ minimum: 0, maximum: limits.servicesListed, description: 'How many of the dearest services of the cluster are listed; 10 unless said.' })),
    ramBytes: Type.Optional(Type.Integer({ minimum: 2 ** 20, maximum: 2 ** 48, description: 'Memory of the machine, by which Cilium sizes the maps for connections; 64 GiB unless said.' })),
    bpfMapDynamicSizeRatio: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'Cilium\'s bpf-map-dynamic-size-ratio; 0.0025 unless said, 0 for fixed sizes.' })),
    maps: Type.Optional(Type.Array(FoundMap, { maxItems: limits.foundMaps, description: 'Output of `bpftool map show -j`, to be set against the prediction.' }))
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
