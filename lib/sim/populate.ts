// One node with really as many services as it stands for, in a simulator of its own: what a cache holds of a thousand tables cannot be seen
// from one of each size.

import type { NodeSettings } from '../loadbalancer/index.ts'
import type { MixPart, ReportPopulation, ReportSteps } from '../report/index.ts'
import { mixService } from './mix-service.ts'
import type { NodeView, ServiceSpec, Simulator } from './types.ts'

/** services that are made, and how many they stand for */
export interface Inhabitants {
  readonly services: readonly ServiceSpec[]
  readonly of: number
  readonly nodeAddresses: readonly string[]
}

/** of a population: tables of 1000 services are beyond every cache, and more of them only take longer */
const SERVICES_MAX = 1000
/** as many as Cilium's maps take by default, and some to spare */
const BACKENDS_MAX = 50_000

export function * populate (
  node: NodeView, { services, of, nodeAddresses }: Inhabitants, makeScratch: (nodes: readonly NodeSettings[]) => Simulator
): ReportSteps<ReportPopulation> {
  const { tableSizeChanges, counts, memory, ...settings } = node
  const frontends = services.reduce((sum, service) => sum + service.frontends.length, 0)
  // layout flat takes its memory for every service that there could be
  const maglev = settings.layout === 'flat' ? Math.min(settings.mapSizes.maglev, Math.max(1, frontends)) : settings.mapSizes.maglev
  const scratch = makeScratch([{ ...settings, mapSizes: { ...settings.mapSizes, maglev } }])
  if (nodeAddresses.length > 0) scratch.putNodeAddresses(nodeAddresses)
  for (const [index, service] of services.entries()) {
    scratch.putService(service)
    yield { done: index + 1, total: services.length, unit: 'services' }
  }
  return { services: { made: services.length, of }, frontends: scratch.listFrontends(node.name), watched: scratch.watch(node.name) }
}

/** the services of a cluster; of too many every so-manieth */
export function inhabitantsOf (sim: Simulator): Inhabitants {
  const all = sim.listServices()
  const backends = all.reduce((sum, service) => sum + service.backends.length, 0)
  const every = Math.ceil(Math.max(1, all.length / SERVICES_MAX, backends / BACKENDS_MAX))
  return { services: all.filter((_, index) => index % every === 0), of: all.length, nodeAddresses: sim.getNodeAddresses() }
}

/** the services of a mix; of too many fewer in the same proportions, at least one of each size */
export function mixInhabitants (parts: readonly MixPart[]): Inhabitants {
  const of = parts.reduce((sum, part) => sum + part.services, 0)
  const backends = parts.reduce((sum, part) => sum + part.services * part.backends, 0)
  const scale = Math.min(1, SERVICES_MAX / of, BACKENDS_MAX / backends)
  let firstBackend = 0
  let index = 0
  const services = parts.flatMap((part) => Array.from({ length: Math.max(1, Math.floor(part.services * scale)) }, () => {
    const service = mixService(index++, part.backends, firstBackend)
    firstBackend += part.backends
    return service
  }))
  return { services, of, nodeAddresses: [] }
}
