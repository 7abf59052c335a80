// Reports: what services cost on a node, from the node's own queries, and the forms they are printed in.

import type { LookupCostReport } from './lookup-cost.ts'
import type { MemoryReport } from './memory.ts'

export * from './disruption.ts'
export * from './forms.ts'
export * from './lookup-cost.ts'
export * from './map-names.ts'
export * from './memory.ts'
export * from './mix.ts'
export * from './source.ts'
export * from './statistics.ts'
export * from './table.ts'

export const reportKinds = ['memory', 'lookup-cost'] as const
export type ReportKind = typeof reportKinds[number]
export type Report = MemoryReport | LookupCostReport
