import { SimError } from '../../../lib/sim/errors.ts'
import type { ServiceView, Simulator, NodeView } from '../../../lib/sim/types.ts'

export function createFake (): Simulator {
  const services = new Map<string, ServiceView>()
  const nodes = new Map<string, NodeView>()
  let addresses: readonly string[] = []
  let revision = 0
  const node = (name: string): NodeView => ({
    name, kernel: '6.18', possibleCpus: 2, release: '1.17+', algorithm: 'maglev', layout: 'blob', tableSizePolicy: { fixed: 1021 }, seed: 'JLfvgnHc2kaSUFaI',
    mapSizes: { services: 1, backends: 1, revNat: 1, maglev: 1 }, preallocateMaps: true, inlining: 'kernel', addresses: null, options: {}, engine: 'interpreter',
    counts: { frontends: 0, tables: 0, maps: 0, programs: 0 }, memory: { memlockBytes: 0, allocatedBytes: 0 }
  })
  for (const name of ['cilium', 'dynamic']) nodes.set(name, node(name))
  const get = (name: string): NodeView => {
    const found = nodes.get(name)
    if (found === undefined) throw new SimError('NODE_NOT_FOUND', `no node ${name}`)
    return found
  }
  const fake: Partial<Simulator> = {
    revision: () => revision,
    changedAt: () => 0,
    listServices: () => [...services.values()],
    getService (namespace, name) {
      const found = services.get(`${namespace}/${name}`)
      if (found === undefined) throw new SimError('SERVICE_NOT_FOUND', 'no such service')
      return found
    },
    putService (service, options) {
      const key = `${service.namespace}/${service.name}`
      if (options?.create === true && services.has(key)) throw new SimError('SERVICE_EXISTS', 'exists')
      const { namespace, name, frontends, backends } = service
      const view: ServiceView = { namespace, name, source: 'api', frontends, backends }
      services.set(key, view)
      revision++
      return view
    },
    deleteService (namespace, name) { services.delete(`${namespace}/${name}`) },
    importDocuments: (documents) => ({ revision, created: documents.length, updated: 0, deleted: 0, unchanged: 0, skipped: [] }),
    getState: () => ({ revision, nodeAddresses: addresses, services: [...services.values()], nodes: [] }),
    putState () { return this.getState?.() as never },
    getNodeAddresses: () => addresses,
    putNodeAddresses: (given) => { addresses = given; return given },
    listNodes: () => [...nodes.values()],
    getNode: get,
    createNode (settings) { const made = { ...node(settings.name), ...settings }; nodes.set(made.name, made); return made },
    updateNode (name, patch) { const made = { ...get(name), ...patch }; nodes.set(name, made); return made },
    deleteNode: (name) => { nodes.delete(name) },
    listFrontends: (name) => { get(name); return [] },
    listMaps: (name) => { get(name); return [] },
    getTable: () => ({ m: 5, seed: 'x', counts: { 1: 3, 2: 2 }, sha256U32LE: '00', slots: [1, 1, 2, 2, 1] }),
    xlated: () => '0: exit\n',
    listPrograms: () => [],
    lbMapsText: () => 'BE: ID=1\n',
    lookup: () => ({ revision, results: [] }),
    report: (request) => ({ kind: request.kind, subject: { revision, mix: null, frontends: 0 }, nodes: [], notes: [] }) as never
  }
  return fake as Simulator
}
