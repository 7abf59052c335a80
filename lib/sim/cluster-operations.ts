// The part of the simulator that is about the desired state: services, node addresses, imports, the whole state.

import { complete, defaultSettings, done, normaliseNodeAddresses, normaliseService, refuseImported, serviceKey } from '../loadbalancer/index.ts'
import type { Draft, LbResult, NodeSettings, Service } from '../loadbalancer/index.ts'
import { SimError, simErrorOf } from './errors.ts'
import type { SimErrorPlace } from './errors.ts'
import { importSteps } from './import.ts'
import type { NodeSet } from './node-set.ts'
import { completeSettings } from './settings.ts'
import type { ClusterState, ServiceView, Simulator } from './types.ts'

type ClusterOperations = Pick<Simulator, 'listServices' | 'getService' | 'putService' | 'deleteService' | 'importDocuments' |
  'importSteps' | 'getState' | 'putState' | 'getNodeAddresses' | 'putNodeAddresses'>

export function clusterOperations (set: NodeSet, touch: () => void): ClusterOperations {
  const { cluster } = set
  const change = <T>(make: (draft: Draft) => LbResult<T>, nodes?: readonly NodeSettings[]): T => {
    const made = set.change(make, nodes)
    touch()
    return made
  }
  const serviceAt = (namespace: string, name: string): Service => {
    const service = cluster.service(serviceKey({ namespace, name }))
    if (service === undefined) throw new SimError('SERVICE_NOT_FOUND', `there is no service ${namespace}/${name}`)
    return service
  }
  const getState = (): ClusterState => ({
    revision: cluster.revision,
    nodeAddresses: cluster.nodeAddresses,
    services: [...cluster.services()].map(serviceView),
    nodes: set.list().map(({ settings }) => settings)
  })
  return {
    listServices: () => [...cluster.services()].map(serviceView),
    getService: (namespace, name) => serviceView(serviceAt(namespace, name)),
    putService (spec, options = {}) {
      const service = valid(normaliseService(spec, 'api'))
      const known = cluster.service(serviceKey(service))
      if (known !== undefined && options.create === true) {
        throw new SimError('SERVICE_EXISTS', `service ${serviceKey(service)} exists; replace it with PUT`)
      }
      if (known !== undefined) valid(refuseImported(known))
      change((draft) => draft.putService(service))
      return serviceView(service)
    },
    deleteService (namespace, name) {
      const service = serviceAt(namespace, name)
      valid(refuseImported(service))
      change((draft) => done(draft.deleteService(serviceKey(service))))
    },
    importDocuments: (documents, options) => complete(importSteps(set, documents, options, touch)),
    importSteps: (documents, options) => importSteps(set, documents, options, touch),
    getState,
    putState ({ nodeAddresses, services, nodes }) {
      const addresses = valid(normaliseNodeAddresses(nodeAddresses, '/nodeAddresses'))
      const normalised = services.map((spec, index) => valid(normaliseService(spec, spec.source ?? 'api', `/services/${index}`)))
      refuseRepeated('/services', normalised.map(serviceKey))
      refuseRepeated('/nodes', (nodes ?? []).map(({ name }) => name))
      const settings = nodes?.map((given) => completeSettings(defaultSettings(given.name), given))
      change((draft) => replaceAll(draft, addresses, normalised), settings)
      return getState()
    },
    getNodeAddresses: () => cluster.nodeAddresses,
    putNodeAddresses (texts) {
      const addresses = valid(normaliseNodeAddresses(texts, '/addresses'))
      change((draft) => done(draft.setNodeAddresses(addresses)))
      return cluster.nodeAddresses
    }
  }
}

function serviceView (service: Service): ServiceView {
  const view = ({ scope, ...frontend }: Service['frontends'][number]): ServiceView['frontends'][number] =>
    scope === 'internal' ? { ...frontend, scope } : frontend
  return { ...service, frontends: service.frontends.map(view) }
}

function refuseRepeated (list: string, names: readonly string[]): void {
  const seen = new Map<string, number>()
  const places: SimErrorPlace[] = []
  names.forEach((name, index) => {
    const first = seen.get(name)
    if (first === undefined) seen.set(name, index)
    else places.push({ pointer: `${list}/${index}`, detail: `${name} stands at ${list}/${first} already` })
  })
  const first = places[0]
  if (first !== undefined) throw new SimError('INVALID_ARGUMENT', `${first.pointer}: ${first.detail}`, { places })
}

function replaceAll (draft: Draft, addresses: readonly string[], services: readonly Service[]): LbResult<void> {
  draft.clear()
  draft.setNodeAddresses(addresses)
  for (const [index, service] of services.entries()) {
    const put = draft.putService(service, `/services/${index}/frontends`)
    if (!put.ok) return put
  }
  return done(undefined)
}

function valid<T> (result: LbResult<T>): T {
  if (!result.ok) throw simErrorOf(result.error)
  return result.value
}
