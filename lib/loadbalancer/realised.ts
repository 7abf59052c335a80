// What a node has realised: the agent's own memory of frontends, backends, ids and wildcard entries, from which the next change is planned.
// The BPF maps hold the same as bytes.

import { endpointKey } from './service.ts'
import type { Backend, DesiredKey, Frontend, FrontendKey, FrontendType, ServiceKey } from './service.ts'
import type { Algorithm } from './traits.ts'
import type { BackendState, Protocol, TableBackend } from '../maglev/index.ts'
import type { FlagBits } from './flags.ts'

export interface RealisedFrontend {
  readonly key: FrontendKey
  /** revNAT id */
  readonly id: number
  /** with the address it is realised at: a node's, where a NodePort frontend was expanded */
  readonly frontend: Frontend
  readonly service: ServiceKey
  /** the frontend of the desired state that it comes from */
  readonly primary: DesiredKey
  /** whether keys of services have the protocol */
  readonly hasProtocolInKey: boolean
  /** where they have none: protocols at the same address and port whose frontends are not there, because this one is */
  readonly hiddenProtocols: readonly Protocol[]
  readonly flags: FlagBits
  /** first word of its entry: algorithm and affinity, or a proxy's port */
  readonly word: number
  /** algorithm of the service itself */
  readonly algorithm: Algorithm | undefined
  /** ids of the backends that clients may stay with */
  readonly affinities: readonly number[]
  /** ranges of clients, as written */
  readonly sourceRanges: readonly string[]
  /** all backends that serve it, those in maintenance too, in slot order */
  readonly backends: readonly string[]
  readonly slots: readonly RealisedSlot[]
  /** the first `count` slots take traffic */
  readonly count: number
  readonly qcount: number
  /** M, kept while the frontend exists even when it has no table for now */
  readonly m: number | null
  /** backends in the table; null: there is no table */
  readonly table: readonly TableBackend[] | null
}

export interface RealisedSlot {
  readonly backendId: number
  readonly flags: FlagBits
}

export interface RealisedBackend {
  readonly id: number
  readonly backend: Backend
  readonly state: BackendState
  /** frontends that refer to it; the last one takes it along */
  readonly references: number
}

export interface RealisedWildcard {
  readonly type: FrontendType
  /** frontends of the address, by key */
  readonly frontends: ReadonlySet<FrontendKey>
}

/** a table that was given another M */
export interface TableSizeChange {
  readonly frontend: FrontendKey
  readonly service: ServiceKey
  readonly revNatId: number
  readonly from: number
  readonly to: number
  /** share of new flows, 0 .. 1, that get another backend than before */
  readonly movedShare: number
}

export function backendKeyOf (realised: RealisedBackend): string {
  return endpointKey(realised.backend)
}
