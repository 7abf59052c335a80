// All routes, one plugin for each resource.

import { clock } from './clock.ts'
import { backends } from './backends.ts'
import { comparisons } from './comparisons.ts'
import { dumps } from './dumps.ts'
import { frontends } from './frontends.ts'
import { health } from './health.ts'
import { imports } from './imports.ts'
import { limits } from './limits.ts'
import { lookups } from './lookups.ts'
import { maps } from './maps.ts'
import { nodeAddresses } from './node-addresses.ts'
import { nodes } from './nodes.ts'
import { openapi } from './openapi.ts'
import { pageAssets } from './page-assets.ts'
import { problems } from './problems.ts'
import { programs } from './programs.ts'
import { reports } from './reports.ts'
import { root } from './root.ts'
import { runEvents } from './run-events.ts'
import { runs } from './runs.ts'
import { services } from './services.ts'
import { state } from './state.ts'
import type { Route } from './support/context.ts'
import { warnings } from './warnings.ts'

export const routes: readonly Route[] = [
  root, pageAssets, services, backends, imports, nodeAddresses, clock, state, nodes, frontends, warnings, dumps, maps, programs, lookups,
  comparisons, runs, runEvents, reports, limits, health, openapi, problems
]
