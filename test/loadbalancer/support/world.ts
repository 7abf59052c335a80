// A cluster with nodes over fake maps: what lib/sim does with real ones, in a few lines.

import { Cluster, LbNode, defaultSettings, everything, importDocuments, lbMapsText, realiseChange } from '../../../lib/loadbalancer/index.ts'
import type {
  AppliedNode, Draft, ImportCounts, LbResult, NodeSettings, ServiceInput
} from '../../../lib/loadbalancer/index.ts'
import { normaliseService } from '../../../lib/loadbalancer/normalise.ts'
import { fakeMaps } from './fake-maps.ts'
import type { FakeMaps } from './fake-maps.ts'

export interface World {
  readonly cluster: Cluster
  readonly nodes: { node: LbNode, maps: FakeMaps }[]
  apply (draft: Draft): LbResult<AppliedNode[]>
  import (documents: readonly unknown[], operation?: 'apply' | 'delete'): LbResult<ImportCounts>
  put (service: ServiceInput): LbResult<AppliedNode[]>
  remove (key: string): LbResult<AppliedNode[]>
  setNodeAddresses (addresses: readonly string[]): LbResult<AppliedNode[]>
  /** of all nodes */
  setNodeLabels (labels: Readonly<Record<string, string>>): LbResult<AppliedNode[]>
  text (index?: number): string
}

export function createWorld (...settings: Partial<NodeSettings>[]): World {
  const cluster = new Cluster()
  const all = settings.length > 0 ? settings : [{}]
  const nodes = all.map(one => {
    const node = new LbNode({ ...defaultSettings('node'), tableSizePolicy: { fixed: 1021 }, ...one })
    return { node, maps: fakeMaps(node.settings.mapSizes) }
  })
  const apply = (draft: Draft): LbResult<AppliedNode[]> => {
    const result = realiseChange(draft, nodes)
    if (result.ok) draft.commit()
    return result
  }
  return {
    cluster,
    nodes,
    apply,
    import (documents, operation = 'apply') {
      const imported = importDocuments(cluster, documents, { operation, ciliumSettings: defaultSettings('cilium') })
      if (!imported.ok) return imported
      const result = apply(imported.value.draft)
      return result.ok ? { ok: true, value: imported.value.counts } : result
    },
    put (input) {
      const service = normaliseService(input, 'api')
      if (!service.ok) return service
      const draft = cluster.draft()
      const put = draft.putService(service.value)
      return put.ok ? apply(draft) : put
    },
    remove (key) {
      const draft = cluster.draft()
      draft.deleteService(key)
      return apply(draft)
    },
    setNodeAddresses (addresses) {
      const draft = cluster.draft()
      draft.setNodeAddresses(addresses)
      return apply(draft)
    },
    setNodeLabels (labels) {
      for (const { node } of nodes) node.move({ ...node.settings, labels })
      return realiseChange(everything(cluster), nodes)
    },
    text (index = 0) {
      const node = nodes[index]
      if (node === undefined) throw new Error(`there is no node ${index}`)
      return lbMapsText(node.maps)
    }
  }
}
