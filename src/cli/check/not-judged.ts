// What a green gate would pass over: services without addresses or endpoints, as they are in Git, node ports without nodes, and objects
// that are not read.

import { isSurrogate } from '../../../lib/loadbalancer/index.ts'
import type { Cluster, RealisedFrontend, Service, SkippedObject } from '../../../lib/loadbalancer/index.ts'
import { counted } from '../../../lib/report/words.ts'
import type { Finding } from './finding.ts'
import { nearly } from './nearly.ts'
import type { Places } from './places.ts'

export interface ImportedCluster {
  readonly cluster: Cluster
  /** services that an EndpointSlice is for, by `namespace/name` */
  readonly withSlices: ReadonlySet<string>
}

export function notJudged (imported: ImportedCluster, places: Places): Finding[] {
  const { cluster } = imported
  const services = [...cluster.services()]
  const onNodes = services.filter(({ frontends }) => frontends.some(({ address }) => isSurrogate(address)))
  return [
    ...services.flatMap((service) => ofService(service, imported, places)),
    ...cluster.nodeAddresses.length > 0 || onNodes.length === 0 ? [] : [ofNodePorts(onNodes, places)]
  ]
}

/** whether the files have no endpoints for a frontend's service, which is said once */
export function lacksSlices ({ service }: Pick<RealisedFrontend, 'service'>, { cluster, withSlices }: ImportedCluster): boolean {
  return (cluster.service(service)?.backends ?? []).length === 0 && !withSlices.has(service)
}

function ofService ({ namespace, name, frontends }: Service, imported: ImportedCluster, places: Places): Finding[] {
  const service = `${namespace}/${name}`
  const missing = [
    ...frontends.length > 0 ? [] : ['no address (clusterIP, externalIPs, status.loadBalancer.ingress)'],
    ...lacksSlices({ service }, imported) ? ['no endpoints (no EndpointSlice is labelled with its name)'] : []
  ]
  const left = frontends.length > 0 ? 'it has no table, and' : 'nothing of it is judged:'
  return missing.length === 0 ? [] : [places.ofService(service, 'not-judged', `${left} in these files it has ${missing.join(' and ')}`)]
}

/** The first of them is the place: what is missing is none of theirs. */
function ofNodePorts (services: readonly Service[], places: Places): Finding {
  const [{ namespace, name }] = services as [Service]
  const message = `node ports and host ports of ${counted(services.length, 'service')} are judged as on a node without addresses, so they have no tables: there is no Node object and no --node-addresses`
  return places.ofService(`${namespace}/${name}`, 'not-judged', message)
}

const kindsRead = ['Service', 'EndpointSlice', 'Node', 'Pod', 'ConfigMap']

/** Objects that are read in part, each; of those that are not, the first of every kind. */
export function skippedFindings (skipped: readonly SkippedObject[], places: Places): Finding[] {
  const byKind = new Map<string, SkippedObject[]>()
  const findings: Finding[] = []
  for (const object of skipped) {
    if (object.kind === 'Service' || object.kind === 'EndpointSlice') findings.push(places.ofSkipped(object))
    else byKind.set(object.kind, [...byKind.get(object.kind) ?? [], object])
  }
  for (const [kind, [first, ...others]] of byKind) if (first !== undefined) findings.push(ofKind(kind, first, others.length, places))
  return findings
}

function ofKind (kind: string, first: SkippedObject, others: number, places: Places): Finding {
  const more = others === 0 ? '' : ` (and ${others} more)`
  const meant = nearly(kind, kindsRead)
  return meant === undefined
    ? places.ofObject(first, 'skipped', `skipped: ${first.reason}${more}`)
    : places.ofObject(first, 'misspelt', `the kind ${kind} is not read (${meant} is)${more}`)
}
