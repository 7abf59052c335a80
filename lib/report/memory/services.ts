// The dearest services of a cluster: all frontends of each, with their tables and their entries. The outer map is there for all alike.

import type { ReportFrontend } from '../subject/source.ts'
import type { MemoryRow } from './rows.ts'

export interface ServiceBytes {
  readonly namespace: string
  readonly name: string
  /** with a table */
  readonly frontends: number
  /** of the largest table */
  readonly backends: number
  readonly tableMemlockBytes: number
  readonly tableAllocatedBytes: number
  /** tables and entries; a backend counts with each frontend that has it */
  readonly memlockBytes: number
}

/** @returns at most `count`, the dearest first, equal ones by name */
export function dearestServices (frontends: readonly ReportFrontend[], rows: readonly MemoryRow[], count: number): ServiceBytes[] {
  const byClass = new Map(rows.map((row) => [`${row.family} ${row.backends} ${row.m}`, row]))
  const services = new Map<string, ServiceBytes>()
  for (const { service, address, table } of frontends) {
    const row = table === null ? undefined : byClass.get(`${address.includes(':') ? 6 : 4} ${table.backends} ${table.m}`)
    if (row === undefined) continue
    const key = `${service.namespace}/${service.name}`
    const sum = services.get(key)
    services.set(key, {
      namespace: service.namespace,
      name: service.name,
      frontends: (sum?.frontends ?? 0) + 1,
      backends: Math.max(sum?.backends ?? 0, row.backends),
      tableMemlockBytes: (sum?.tableMemlockBytes ?? 0) + row.table.memlockBytes,
      tableAllocatedBytes: (sum?.tableAllocatedBytes ?? 0) + row.table.allocatedBytes,
      memlockBytes: (sum?.memlockBytes ?? 0) + row.perFrontendBytes - row.outerShareBytes
    })
  }
  return [...services]
    .sort(([oneKey, one], [otherKey, other]) => other.memlockBytes - one.memlockBytes || (oneKey < otherKey ? -1 : 1))
    .slice(0, count)
    .map(([, service]) => service)
}
