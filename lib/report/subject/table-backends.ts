// The backends that a frontend's table is made of.

import { usableBackends } from '../../maglev/index.ts'
import type { ReportBackend, ReportFrontend } from './source.ts'

export function backendsInTable (frontend: ReportFrontend): ReportBackend[] {
  return usableBackends(frontend.backends)
}
