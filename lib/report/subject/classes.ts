// Frontends that cost the same: same family, same number of backends in the table, same M; for the work per packet the
// same protocol too. Reports have one row per class, not one per service.

import type { Protocol } from '../../maglev/index.ts'
import type { ReportFrontend } from './source.ts'

export interface FrontendClass {
  readonly family: 4 | 6
  /** null where protocols were not told apart */
  readonly protocol: Protocol | null
  /** N, backends in the table */
  readonly backends: number
  readonly m: number
  readonly frontends: readonly ReportFrontend[]
}

/** Ordered by family, protocol, N, M. Frontends without a table are in no class, nor those for pods, whose table nobody asks. */
export function classify (frontends: readonly ReportFrontend[], by: { readonly protocol: boolean }): FrontendClass[] {
  const classes = new Map<string, FrontendClass & { frontends: ReportFrontend[] }>()
  for (const frontend of frontends) {
    if (frontend.table === null || frontend.scope === 'internal') continue
    const family = frontend.address.includes(':') ? 6 : 4
    const protocol = by.protocol ? frontend.protocol : null
    const { m, backends } = frontend.table
    const key = [family, protocol, backends, m].join(' ')
    const known = classes.get(key)
    if (known === undefined) classes.set(key, { family, protocol, backends, m, frontends: [frontend] })
    else known.frontends.push(frontend)
  }
  return [...classes.values()].sort((a, b) =>
    a.family - b.family || compareText(a.protocol ?? '', b.protocol ?? '') || a.backends - b.backends || a.m - b.m)
}

const compareText = (one: string, other: string): number => one < other ? -1 : one > other ? 1 : 0
