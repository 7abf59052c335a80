// What reports are asked: the same everywhere, and the options of each kind. Single values can be query parameters too.

import { Type, type TProperties, type TSchema } from 'typebox'
import { largestTableSize, supportedTableSizes } from '../../lib/maglev/index.ts'
import { defaultAssumptions, rcuWaits, type RcuWait, type ReportKind } from '../../lib/report/index.ts'
import { limits } from './limits.ts'
import { closed, nodeExample, NodeCreation, NodeName, OneOf } from './schemas.ts'

const seed = Type.Optional(Type.Integer({ minimum: 0, maximum: 4_294_967_295, description: 'Seed of what is drawn; 1 unless said. The same seed gives the same report.' }))

const list = (example: string, description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 256, description, examples: [example] }))
const amount = (description: string) => Type.Optional(Type.String({ pattern: '^[0-9]{1,5}%?$', maxLength: 6, description, examples: ['25%', '1'] }))

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
const integer = (minimum: number, maximum: number, description: string) => Type.Optional(Type.Integer({ minimum, maximum, description }))

/** of the convergence report */
const unitCosts = [
  ['rcuWaitMs', 'Milliseconds of an RCU grace period', 60_000], ['expeditedWaitMs', 'Milliseconds of an expedited one', 60_000],
  ['fillNsPerSlot', 'Nanoseconds to build a table, per slot', 1e9], ['mapCreateUs', 'Microseconds to create an inner map', 1e6],
  ['mapUpdateUs', 'Microseconds of a system call that writes', 1e6], ['elementNs', 'Nanoseconds per element of a batch update', 1e9],
  ['byteNs', 'Nanoseconds per byte written', 1e6]
] as const

const costs: TProperties = Object.fromEntries(unitCosts.map(([name, unit, most]) =>
  [name, Type.Optional(Type.Number({ minimum: 0, maximum: most, description: `${unit}; ${defaultAssumptions[name]} unless said.` }))]))
const batch = integer(1, 65_536, `Outer updates in one batch update; ${defaultAssumptions.batch} unless said.`)
const share = (description: string) => Type.Optional(Type.Number({ minimum: 0, maximum: 1, description }))
const CacheModel = Type.Object({
  levels: Type.Array(Type.Object({
    name: Type.String({ minLength: 1, maxLength: 16, description: 'Name.' }),
    sizeBytes: Type.Integer({ minimum: 64, maximum: 1_073_741_824, description: 'Whole sets: a multiple of ways x lineBytes.' }),
    ways: Type.Integer({ minimum: 1, maximum: 64, description: 'Lines of a set.' }),
    lineBytes: Type.Integer({ minimum: 16, maximum: 4096, description: 'A power of two.' })
  }, closed), { minItems: 1, maxItems: 4, description: 'From the one next to the processor on.' })
}, closed)

/** Options by kind, as members of a body. A name means the same in every kind that has it. */
const options: Readonly<Record<ReportKind, TProperties>> = {
  memory: {
    seed,
    trials: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.reportTrials, description: 'Backends that leave, one at a time, for the disruption of each row; unless said as in the disruption report.' })),
    servicesListed: Type.Optional(Type.Integer({ minimum: 0, maximum: limits.servicesListed, description: 'How many of the dearest services of the cluster are listed; 10 unless said.' })),
    ramBytes: Type.Optional(Type.Integer({ minimum: 2 ** 20, maximum: 2 ** 48, description: 'Memory of the machine, by which Cilium sizes the maps for connections; 64 GiB unless said.' })),
    bpfMapDynamicSizeRatio: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'Cilium\'s bpf-map-dynamic-size-ratio; 0.0025 unless said, 0 for fixed sizes.' })),
    maps: Type.Optional(Type.Array(FoundMap, { maxItems: limits.foundMaps, description: 'Output of `bpftool map show -j`, to be set against the prediction.' }))
  },
  balance: {
    seed,
    flows: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.reportFlows, description: 'Flows to one frontend of each class, in each population; 4096 unless said.' })),
    trials: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.reportTrials, description: 'Populations of flows for each class; 5 unless said.' }))
  },
  disruption: {
    seed,
    trials: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.reportTrials, description: 'Trials of each change for each row; unless said 204200 / M, at least 5 and at most 200.' })),
    changes: list('remove,at-once', 'Changes, with commas: remove, drain, add, weight, at-once, rolling-restart, table-size; all unless said.'),
    atOnce: list('2,10%', 'How many backends fail at once, numbers or percent with commas; `2,10%` unless said.'),
    weightFactors: list('0.5,2,0', 'By what the weight of one backend is multiplied, with commas; `0.5,2,0` unless said.'),
    maxSurge: amount('Backends over N during a rolling restart, a number or percent as in a Deployment; `25%` unless said.'),
    maxUnavailable: amount('Backends that may be missing during a rolling restart, a number or percent as in a Deployment, not 0 when maxSurge is; `25%` unless said.'),
    tableSize: Type.Optional(Type.Integer({ minimum: supportedTableSizes[0], maximum: largestTableSize, description: 'M that nodes with one M for all are given in its place; the next larger one unless said.' })),
    addresses: Type.Optional(OneOf(['sequential', 'drawn'], 'Backends of a mix: addresses drawn anew for every trial unless said, or in sequence. Those of the cluster are its own.'))
  },
  'lookup-cost': {
    seed,
    flowsPerClass: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.flowsPerLookup, description: 'Flows that are run for each class of frontends; 16 unless said.' })),
    cacheLookups: Type.Optional(Type.Integer({
      minimum: 0, maximum: limits.reportCacheLookups, description: 'Lookups that are counted in the model of caches once it is warm; 0 leaves it out; 16384 unless said.'
    })),
    cache: Type.Optional(Type.Union([Type.Literal('machine'), CacheModel], {
      description: 'Caches of the model: `machine` for those of the server\'s own machine, or their levels; those of a usual server unless said.'
    })),
    benchmark: Type.Optional(Type.String({
      minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9-]+$', description: 'Id of a run of kind benchmark that has succeeded: its times are quoted.'
    }))
  },
  convergence: {
    ports: integer(1, limits.reportPorts, 'Ports of the largest example service; 400 unless said.'),
    frontendsPerPort: integer(1, limits.reportFrontendsPerPort, 'Addresses of each port, one table each: its own, and node addresses for its NodePort; 3 unless said.'),
    backends: integer(1, limits.reportBackends, 'Backends of each example service; 4 unless said.'),
    services: integer(1, limits.reportServices, 'Example services that change at once; 1000 unless said.'),
    eventsPerBackend: integer(1, 3, 'Endpoint events of a backend that is replaced: 1 in one update; 2 the new one comes, the old one goes; 3 it terminates in between. 2 unless said.'),
    worst: integer(1, limits.reportWorst, 'Services of the cluster to list, those whose restart takes longest; 10 unless said.'),
    rcuWait: Type.Optional(Type.Unsafe<RcuWait>({ type: 'string', enum: [...rcuWaits], description: 'The wait after updates of the outer map that sentences go by: `each` (Cilium\'s, unless said), `batched` or `expedited`; rows have all three.' })),
    ...costs,
    batch
  },
  advice: {
    seed,
    trials: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.reportTrials, description: 'Backends that leave, one at a time, for each M and number of backends; unless said as in the disruption report.' })),
    maxBytesPerNode: integer(1, Number.MAX_SAFE_INTEGER, 'Limit of memlock of a node\'s load-balancer maps. Without any limit what there is today is the limit.'),
    maxCollateralShare: share('Limit of flows that move between backends that stay when one leaves, as a share of all flows to a service: 0.02 is 2 %.'),
    maxImbalance: Type.Optional(Type.Number({ minimum: 0, maximum: 1000, description: 'Limit of how far a backend may be off its share of slots: 0.1 is 10 %.' })),
    maxConvergenceSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1e6, description: 'Limit of seconds until the slowest rolling restart is live.' })),
    ...Object.fromEntries(['rcuWaitMs', 'expeditedWaitMs', 'fillNsPerSlot'].map((name) => [name, costs[name] as TSchema])),
    batch
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

/** Query parameters of a report on the cluster, or on a mix with the nodes that a mix is reported for where none are said. */
export const reportQuery = (kind: ReportKind): TProperties => ({
  mix: scope.mix,
  nodes: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, pattern: '^[a-z0-9-]+(,[a-z0-9-]+)*$', description: 'Names of nodes of the cluster, with commas; all where left out. Not with a mix.' })),
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
