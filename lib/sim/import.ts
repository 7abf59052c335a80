// Kubernetes objects into the desired state: read, realised on every node and committed as one, or refused as one.

import { importDocuments as draftImport } from '../loadbalancer/index.ts'
import { simErrorOf } from './errors.ts'
import type { NodeSet } from './node-set.ts'
import type { ImportReport } from './types.ts'

/** the node whose options the ConfigMap `cilium-config` sets */
const CILIUM_NODE = 'cilium'

export interface ImportOptions {
  readonly operation: 'apply' | 'delete'
  readonly dryRun: boolean
}

export function importDocuments (
  set: NodeSet, documents: readonly unknown[], { operation, dryRun }: ImportOptions, touch: () => void
): ImportReport {
  const ciliumSettings = set.has(CILIUM_NODE) ? set.get(CILIUM_NODE).settings : null
  const imported = draftImport(set.cluster, documents, { operation, ciliumSettings })
  if (!imported.ok) throw simErrorOf(imported.error)
  const { draft, counts } = imported.value
  const changes = counts.created + counts.updated + counts.deleted > 0
  if (changes) {
    set.realise(draft, imported.value.ciliumSettings, dryRun)
    if (!dryRun) touch()
  }
  return { revision: set.cluster.revision, ...counts }
}
