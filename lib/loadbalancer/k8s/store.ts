// The Kubernetes objects that were imported, reduced to what the load balancer takes from them: so that a slice can come before its
// Service, several slices make one service, and an object that did not change is told from one that did.

import type { ServiceKey } from '../service.ts'
import type { Labels } from '../label-selector.ts'
import { Overlay } from '../overlay.ts'
import type { ServiceObject } from './service-object.ts'
import type { SliceObject } from './slice-object.ts'

export interface StoredNode {
  readonly addresses: readonly string[]
  readonly labels: Labels
}

export class K8sStore {
  readonly services = new Map<ServiceKey, ServiceObject>()
  /** by `namespace/name` of the slice */
  readonly slices = new Map<string, SliceObject>()
  readonly slicesOfService = new Map<ServiceKey, readonly string[]>()
  readonly nodes = new Map<string, StoredNode>()
  /** names of the services that the host ports of a pod make, by `namespace/name` of the pod */
  readonly pods = new Map<string, readonly ServiceKey[]>()
}

/** pending changes of a store */
export interface K8sDraft {
  readonly services: Overlay<ServiceKey, ServiceObject>
  readonly slices: Overlay<string, SliceObject>
  readonly slicesOfService: Overlay<ServiceKey, readonly string[]>
  readonly nodes: Overlay<string, StoredNode>
  readonly pods: Overlay<string, readonly ServiceKey[]>
}

export function draftStore (store: K8sStore): K8sDraft {
  return {
    services: new Overlay(store.services),
    slices: new Overlay(store.slices),
    slicesOfService: new Overlay(store.slicesOfService),
    nodes: new Overlay(store.nodes),
    pods: new Overlay(store.pods)
  }
}

export function commitStore (draft: K8sDraft): void {
  draft.services.commit()
  draft.slices.commit()
  draft.slicesOfService.commit()
  draft.nodes.commit()
  draft.pods.commit()
}

/** forgets every object, as when the whole state is replaced by hand */
export function clearStore (draft: K8sDraft): void {
  for (const overlay of [draft.services, draft.slices, draft.slicesOfService, draft.nodes, draft.pods]) {
    for (const [key] of [...overlay.entries()]) overlay.delete(key)
  }
}
