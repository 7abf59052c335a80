// What the reports ask of whoever keeps the cluster. The simulator answers to this as it is; the reports know nothing
// else of it, so every figure they print is one that its own queries give.

import type { Cost } from '../../bpf/core/cost.ts'
import type { MapTypeName } from '../../bpf/profile/index.ts'
import type { StepProbe } from '../../datapath/index.ts'
import type { Rehearsal } from '../../loadbalancer/index.ts'
import type { BackendState, Protocol, TableSizePolicy } from '../../maglev/index.ts'

export interface ReportNode {
  readonly name: string
  readonly kernel: string
  readonly possibleCpus: number
  readonly layout: string
  readonly tableSizePolicy: TableSizePolicy
  readonly seed: string
  readonly preallocateMaps: boolean
  readonly inlining: 'kernel' | 'never'
  readonly spectreMasking: boolean
  readonly engine: string
  readonly memory: { readonly memlockBytes: number, readonly allocatedBytes: number }
}

export interface ReportBackend {
  /** the node's own */
  readonly id: number
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  readonly weight: number
  readonly state: BackendState
}

export interface ReportFrontend {
  readonly id: number
  readonly service: { readonly namespace: string, readonly name: string }
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  /** internal: the entry for packets from pods, which get a backend at random */
  readonly scope?: 'external' | 'internal'
  /** all that serve it, in whatever state */
  readonly backends: readonly ReportBackend[]
  readonly table: { readonly m: number, readonly backends: number, readonly mapId: number } | null
  readonly warnings: ReadonlyArray<{ readonly code: string, readonly message: string }>
}

export interface ReportMap {
  readonly id: number
  readonly type: MapTypeName
  readonly name: string
  /** before the kernel cut it off; `name` where left out */
  readonly fullName?: string
  readonly flags: number
  readonly bytes_key: number
  readonly bytes_value: number
  readonly max_entries: number
  readonly bytes_memlock: number
  readonly allocatedBytes: number
  readonly entries: number
}

export interface ReportProgram {
  readonly name: string
  readonly insnsLoaded: number
  readonly insnsTranslated: number
}

export interface ReportFlow {
  readonly source: string
  readonly sourcePort: number
  readonly destination: string
  readonly destinationPort: number
  readonly protocol: Protocol
}

export interface ReportLookup {
  readonly node: string
  readonly verdict: string
  readonly backend: object | null
  readonly cost: Cost
  readonly fault: object | null
}

/** A node's program whose accesses are told. */
export interface WatchedNode {
  /**
   * @param write writes the next packet into the node's memory, at this place. @returns its length
   * @param visit told of every access of the program and of the map functions that it calls, in order; `inMaps`: not in the context, the
   *   stack or the packet
   */
  run (
    packets: number, write: (into: Uint8Array, at: number) => number, visit: (address: number, bytes: number, inMaps: boolean) => void
  ): void
  /** where what lookups read of the node's maps lies: elements of arrays, tables among them, elements of hashes and their buckets */
  mapMemory (): ReadonlyArray<{ readonly address: number, readonly bytes: number }>
  dispose (): void
}

/** What one run of a step probe costs (lib/datapath/step-probe.ts). */
export interface StepCost {
  readonly step: StepProbe
  readonly cost: Cost
}

export interface ReportFlowCounter {
  /** null: the node or a table is not what it was */
  count (frontends: readonly ReportFrontend[], flows: number, seed: number): Generator<undefined, readonly ReportFlowCounts[] | null>
}

export interface ReportFlowCounts {
  readonly flows: number
  readonly backends: ReadonlyArray<{ readonly address: string, readonly port: number, readonly flows: number }>
  /** flows that reached no backend */
  readonly unserved: number
}

export interface ReportSource {
  revision (): number
  listNodes (): readonly ReportNode[]
  getNode (name: string): ReportNode
  listFrontends (node: string): readonly ReportFrontend[]
  listMaps (node: string): readonly ReportMap[]
  getMap (node: string, id: number): ReportMap
  /** the node's agent without its maps, with all services that there are, to plan changes on */
  rehearse (node: string): Rehearsal
  listPrograms (node: string): readonly ReportProgram[]
  flowCounter (node: string): ReportFlowCounter
  lookup (request: { nodes: readonly string[], flows: readonly ReportFlow[] }): {
    readonly results: ReadonlyArray<{ readonly nodes: readonly ReportLookup[] }>
  }
  watch (node: string): WatchedNode
}

/** frontends with a table on the node that has most of them: nodes may have tables for different ones */
export function mostFrontends (nodes: ReadonlyArray<{ readonly rows: ReadonlyArray<{ readonly frontends: number }> }>): number {
  return Math.max(0, ...nodes.map(({ rows }) => rows.reduce((sum, { frontends }) => sum + frontends, 0)))
}

export interface Subject {
  /** revision of the cluster; null for a mix, which has none */
  readonly revision: number | null
  /** as normalised; null for the cluster */
  readonly mix: string | null
  readonly frontends: number
}
