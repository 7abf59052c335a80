// What the routes and the command line call. Everything is synchronous and transactional: a call either changes the
// whole state and every node, or throws a SimError and changes nothing. u64 values are strings.

import type { Cost } from '../bpf/core/cost.ts'
import type { ProgramImage } from '../bpf/core/program-image.ts'
import type { MapTypeName } from '../bpf/profile/index.ts'
import type {
  BpfLbShape, MaglevListForm, MapPressure, NodeWarningCode, Rehearsal, ServiceTraits, SkippedObject, TablesAnswer
} from '../loadbalancer/index.ts'
import type { ReportKind, ReportKinds, ReportSteps, WatchedNode } from '../report/index.ts'
import type { Comparison, ComparisonRequest } from './comparison.ts'
import type { CpuLeases } from './cpu-lease.ts'

export type Protocol = 'TCP' | 'UDP' | 'SCTP'
export type FrontendType = 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalIPs' | 'HostPort'
export type BackendState = 'active' | 'terminating' | 'terminating-not-serving' | 'quarantined' | 'maintenance'

export interface FrontendSpec {
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  readonly type: FrontendType
  readonly portName?: string
  /** internal: the entry for packets from pods of the node, where these get other backends; external unless said */
  readonly scope?: 'external' | 'internal'
}

export interface BackendSpec {
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  readonly weight: number
  readonly state: BackendState
  readonly portName?: string
  readonly nodeName?: string
  readonly zone?: string
  /** zones whose clients it is meant for */
  readonly forZones?: readonly string[]
}

export interface ServiceSpec extends ServiceTraits {
  readonly namespace: string
  readonly name: string
  readonly frontends: readonly FrontendSpec[]
  readonly backends: readonly BackendSpec[]
}

export interface ServiceView extends ServiceSpec {
  /** who owns the object: `api` ones are edited here, those from Kubernetes objects and from dumps only by importing again */
  readonly source: 'api' | 'k8s' | 'dump'
}

export type TableSizePolicy = { readonly fixed: number } | { readonly perService: { readonly perBackend: number } }

/** Settings of an emulated node; `options` under Cilium's own names. */
export interface NodeSettings {
  readonly name: string
  readonly kernel: string
  readonly possibleCpus: number
  readonly release: '1.9-1.12' | '1.13-1.16' | '1.17+'
  readonly defect: 'none' | 'half-table'
  /** without it every packet is as the first of its flow, but for session affinity and fragments */
  readonly conntrack: boolean
  readonly algorithm: 'random' | 'maglev'
  readonly layout: 'flat' | 'fixed' | 'blob' | 'dynamic' | 'packed' | 'compact'
  readonly tableSizePolicy: TableSizePolicy
  /** base64 of 12 bytes */
  readonly seed: string
  readonly mapSizes: {
    readonly services: number,
    readonly backends: number,
    readonly revNat: number,
    readonly maglev: number,
    readonly affinity: number,
    readonly sourceRange: number
  }
  readonly preallocateMaps: boolean
  readonly inlining: 'kernel' | 'never'
  /** inlined array lookups mask the index, arrays take a power of two of elements */
  readonly spectreMasking: boolean
  /** the node's own addresses; null: the cluster's node-addresses */
  readonly addresses: readonly string[] | null
  /** the Kubernetes node it is; null: one of its own name */
  readonly nodeName: string | null
  /** null: that of its labels */
  readonly zone: string | null
  /** besides those of the Kubernetes Node of its name, and before them */
  readonly labels: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string | number | boolean>>
  readonly engine: 'interpreter'
}

/** Settings that are to be completed, map sizes one by one. */
export type NodeSettingsInput = Partial<Omit<NodeSettings, 'mapSizes'>> & { readonly mapSizes?: Partial<NodeSettings['mapSizes']> }

/** A table that its policy gave another M: flows move, also between backends that stay. */
export interface TableSizeChangeView {
  /** of the desired state that brought it */
  readonly revision: number
  readonly service: { readonly namespace: string, readonly name: string }
  /** revNAT id */
  readonly frontend: number
  /** M before and after */
  readonly from: number
  readonly to: number
  /** share of new flows, 0 .. 1, that get another backend than before */
  readonly movedShare: number
}

export interface NodeView extends NodeSettings {
  /** the last 100 changes of M by the table-size policy, oldest first */
  readonly tableSizeChanges: readonly TableSizeChangeView[]
  readonly counts: { readonly frontends: number, readonly tables: number, readonly maps: number, readonly programs: number }
  readonly memory: { readonly memlockBytes: number, readonly allocatedBytes: number }
}

export interface ImportRequest {
  readonly operation: 'apply' | 'delete'
  readonly dryRun: boolean
  /** not of a dry run */
  readonly warnings?: boolean
  /** of an archive the file that each document stands in; those of one file stand together */
  readonly files?: readonly string[]
}

export interface ImportReport {
  readonly revision: number
  readonly created: number
  readonly updated: number
  readonly deleted: number
  readonly unchanged: number
  /** of an archive with the file, within which documents are counted then */
  readonly skipped: ReadonlyArray<SkippedObject & { readonly file?: string }>
  /** of the services that the import speaks of and of the nodes as a whole, after it, by kind, where they were asked for */
  readonly warnings?: ReadonlyArray<{
    readonly node: string,
    readonly code: NodeWarningCode,
    readonly count: number,
    readonly message: string
  }>
}

export interface NamedFrontend {
  /** revNAT id on the node: which Maglev table */
  readonly id: number
  readonly service: { readonly namespace: string, readonly name: string }
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  readonly scope?: 'internal'
}

export interface FrontendView extends FrontendSpec {
  /** before 1.17: those at the same address and port that are not programmed beside this one, whose packets it gets */
  readonly hiddenProtocols?: readonly Protocol[]
  /** revNAT id on this node */
  readonly id: number
  readonly service: { readonly namespace: string, readonly name: string }
  readonly backends: ReadonlyArray<{
    readonly id: number,
    readonly address: string,
    readonly port: number,
    readonly protocol: Protocol,
    readonly weight: number,
    readonly state: BackendState
  }>
  /** null: packets to this frontend are drop 158; `reason` says why there is no table */
  readonly table: {
    readonly m: number,
    readonly backends: number,
    /** id of the inner map that holds it now; every rebuild makes another */
    readonly mapId: number
  } | null
  readonly reason: string | null
  /** what Cilium accepts without a word although it rarely does what was meant */
  readonly warnings: ReadonlyArray<{ readonly code: string, readonly message: string }>
}

export interface WarningView {
  /** its place in the list */
  readonly id: number
  readonly code: NodeWarningCode
  readonly severity: 'warning' | 'note'
  readonly message: string
  /** null: of the node as a whole */
  readonly frontend: NamedFrontend | null
  /** Cilium's name of the map, where it is about one */
  readonly map: string | null
}

export interface TableView {
  readonly m: number
  readonly seed: string
  /** backend id -> slots */
  readonly counts: Readonly<Record<string, number>>
  readonly sha256U32LE: string
  /** backend id of every slot, read back from the node's inner map */
  readonly slots: readonly number[]
}

/** bpftool's shape of `map show -j`, plus what the emulator knows beyond it. */
export interface MapView {
  readonly id: number
  readonly type: MapTypeName
  /** as the kernel keeps it: 15 characters */
  readonly name: string
  /** as the object has it, e.g. `cilium_lb4_services_v2` */
  readonly fullName: string
  readonly flags: number
  readonly bytes_key: number
  readonly bytes_value: number
  readonly max_entries: number
  readonly bytes_memlock: number
  readonly frozen: number
  readonly allocatedBytes: number
  readonly entries: number
}

export interface ProgramView {
  readonly id: number
  readonly type: string
  readonly name: string
  readonly tag: string
  readonly bytes_xlated: number
  readonly map_ids: readonly number[]
  readonly insnsLoaded: number
  readonly insnsTranslated: number
}

export interface FlowSpec {
  readonly source: string
  readonly sourcePort: number
  readonly destination: string
  readonly destinationPort: number
  readonly protocol: Protocol
}

/** `outside`: packets come from outside the cluster; `inside`: from a pod of the very node */
export const packetOrigins = ['outside', 'inside'] as const
export type PacketOrigin = typeof packetOrigins[number]

export interface LookupRequest {
  /** outside unless said */
  readonly from?: PacketOrigin
  readonly nodes?: readonly string[]
  readonly flows?: readonly FlowSpec[]
  /** hex */
  readonly packets?: readonly string[]
  readonly trace?: boolean
  /** how each flow came to its backend */
  readonly explain?: boolean
  /** u32: state of the programs' randomness before the first packet; absent: as the last lookup left it */
  readonly randomSeed?: number
}

export interface TraceStep {
  /** slot in the translated program */
  readonly insn: number
  /** bpftool's text of the instruction */
  readonly text: string
  /** C source line, where the line info has one */
  readonly source: { readonly file: string, readonly line: number, readonly text: string } | null
  /** r0..r10 after the instruction, 0x-hex */
  readonly registers: readonly string[]
}

/** The way from a packet to its backend. What the program did not get to is null. */
export interface LookupExplanation {
  /** what the packet is addressed to; null: nothing that this node balances */
  readonly frontend: NamedFrontend | null
  /** what the node remembered of the flow before the packet; null: it remembers none, or the packet is to no frontend */
  readonly connection: {
    /** other-service: made to a service that had the address before, and not taken */
    readonly state: 'none' | 'ended' | 'closing' | 'established' | 'other-service',
    readonly backendId: number | null,
    readonly endsInSeconds: number | null
  } | null
  /** of a service with session affinity: which backend the client had before the packet, and for how long still */
  readonly affinity: { readonly timeoutSeconds: number, readonly backendId: number | null, readonly endsInMs: number | null } | null
  /** a slot of the services map drawn at random, of so many, from 1; null: none was */
  readonly draw: { readonly of: number, readonly slot: number, readonly backendId: number | null } | null
  /** hash of the flow, 0x-hex of 32 bits, as the program had it in a register; null: no table was asked */
  readonly hash: string | null
  /** what went into it, beside the seed of the address family */
  readonly hashInputs: {
    readonly source: string,
    /** 0 where session affinity leaves it out */
    readonly sourcePort: number,
    readonly destinationPort: number,
    /** IP protocol number */
    readonly protocol: number,
    readonly seed: number,
    readonly portOrder: 'destination-first' | 'source-first'
  } | null
  /** slot `index` = hash modulo `m`, and the backend id that the table holds there */
  readonly slot: {
    readonly m: number,
    readonly index: number,
    readonly backendId: number | null,
    /** revNAT id in the outer map, and the id of the inner map there; null in layout flat */
    readonly outer: { readonly key: number, readonly mapId: number } | null
  } | null
  /** the step that decided, with Cilium's drop code; null after a fault */
  readonly ended: { readonly step: string, readonly code: number | null, readonly text: string } | null
}

export interface NodeLookup {
  readonly node: string
  readonly verdict: 'XDP_ABORTED' | 'XDP_DROP' | 'XDP_PASS' | 'XDP_TX' | 'XDP_REDIRECT'
  readonly backend: { readonly id: number, readonly address: string, readonly port: number } | null
  readonly drop: { readonly code: number, readonly step: string } | null
  /** hex of the packet after the program */
  readonly packet: string
  readonly cost: Cost
  /** only when the engine ended the program: budget, access, ... */
  readonly fault: { readonly code: string, readonly message: string } | null
  readonly trace?: readonly TraceStep[]
  readonly explanation?: LookupExplanation
}

export interface LookupReport {
  readonly revision: number
  readonly results: ReadonlyArray<{ readonly agree: boolean, readonly nodes: readonly NodeLookup[] }>
}

/** A report of one kind, with the kind's own options. */
export type ReportRequest<K extends ReportKind = ReportKind> = K extends ReportKind ? ReportScope & { readonly kind: K } & ReportKinds[K]['options'] : never

/** Without `mix`: about the current cluster. With it: about services of these sizes on scratch nodes; nothing changes here. */
export interface ReportScope {
  /** names of nodes, all of them unless said; not with `mix` */
  readonly nodes?: readonly string[]
  /** `700x3,200x10`: services x backends each */
  readonly mix?: string
  /** nodes to make for the mix: what is not said is as on node `cilium`; `cilium`, `dynamic`, `packed` and `compact` unless said */
  readonly variants?: ReadonlyArray<NodeSettingsInput & { readonly name: string }>
}

/** A list as one of Cilium's commands prints it. */
export interface CiliumList<T> {
  /** `-o json` */
  readonly json: T
  text (): string
}

/** Tables of some machine, to be held against what its backends should give on a node with these settings. */
export interface TableComparisonRequest {
  /** `cilium-dbg bpf lb maglev list`, JSON or text */
  readonly tables: Readonly<Record<string, unknown>> | string
  /** the same machine's `cilium-dbg service list` or `bpf lb list`, JSON or text; the node's own frontends unless said */
  readonly services?: readonly unknown[] | Readonly<Record<string, unknown>> | string
  /** backend id there -> `10.0.0.1:8080/TCP`; without them only the arrangement is compared */
  readonly backends?: Readonly<Record<string, string>>
  /** further seeds to try, base64 */
  readonly seeds?: readonly string[]
}

/** What another thread needs to run packets through a node's live program: shared memory and addresses in it, plain data else. */
export interface NodeAttachment {
  readonly node: string
  /** changes when the node is rebuilt with other settings; a node made again under the same name has another one too */
  readonly generation: number
  /** name of the kernel profile */
  readonly kernel: string
  readonly possibleCpus: number
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  readonly image: ProgramImage
  /** address of the per-CPU map in which the program counts what became of packets, by reason */
  readonly metricsMapAddress: number
  /** lookups of this thread take CPU 0 through these too: withCpu of cpu-lease.ts */
  readonly cpuLeases: CpuLeases
  /** of the machine's clock, which stands still for the thread */
  readonly uptimeMs: number
}

/** Where flows go, by the packets that the program rewrote. */
export interface FlowCounter {
  /**
   * So many distinct seeded flows over TCP or UDP frontends of the node, each as likely as the others, in steps of some milliseconds.
   * @returns what became of those to each frontend; null when the node or a table is not the same any more
   */
  count (frontends: readonly FlowTarget[], flows: number, seed: number): Generator<undefined, FlowCounts[] | null>
}

export type FlowTarget = Pick<FrontendView, 'id' | 'address' | 'port' | 'protocol' | 'table'>

export interface FlowCounts {
  readonly flows: number
  readonly backends: ReadonlyArray<{ readonly address: string, readonly port: number, readonly flows: number }>
  /** flows that reached no backend */
  readonly unserved: number
}

export interface ClusterState {
  readonly revision: number
  readonly nodeAddresses: readonly string[]
  readonly services: readonly ServiceView[]
  readonly nodes: readonly NodeSettings[]
}

export interface ClusterStateInput {
  readonly nodeAddresses: readonly string[]
  /** made here (`api`) unless said */
  readonly services: ReadonlyArray<ServiceSpec & { readonly source?: ServiceView['source'] }>
  /** all nodes, completed as new ones are; left out: the nodes stay as they are */
  readonly nodes?: ReadonlyArray<NodeSettingsInput & { readonly name: string }>
}

export interface Simulator {
  revision (): number
  /** creation or last change of the simulator's state, ms since the epoch, from the clock handed in */
  changedAt (): number

  /** ms since the emulated machines started, by a clock that stands still unless it is set */
  uptimeMs (): number
  /** for lookups: connections and session affinities end by it. @throws SimError INVALID_ARGUMENT for a time before the one it is */
  setUptime (uptimeMs: number): void

  listServices (): readonly ServiceView[]
  getService (namespace: string, name: string): ServiceView
  /** creates or replaces; throws IMPORTED_OBJECT for one that was imported, SERVICE_EXISTS when `create` and it exists */
  putService (service: ServiceSpec, options?: { create?: boolean }): ServiceView
  deleteService (namespace: string, name: string): void

  importDocuments (documents: readonly unknown[], options: ImportRequest): ImportReport
  /**
   * The same in steps of a few milliseconds; the last one returns the report. Until then no other change may begin (CHANGE_IN_PROGRESS),
   * the desired state reads as before, and packets see a node's maps while they are being written, as on a machine.
   */
  importSteps (documents: readonly unknown[], options: ImportRequest): Generator<undefined, ImportReport>
  getState (): ClusterState
  /** takes what getState gave: the same services, addresses and nodes are there again */
  putState (state: ClusterStateInput): ClusterState
  getNodeAddresses (): readonly string[]
  putNodeAddresses (addresses: readonly string[]): readonly string[]

  listNodes (): readonly NodeView[]
  getNode (name: string): NodeView
  createNode (settings: NodeSettingsInput & { name: string }): NodeView
  /** merge patch: members given replace; the node is rebuilt with the current services */
  updateNode (name: string, patch: Omit<NodeSettingsInput, 'name'>): NodeView
  deleteNode (name: string): void

  /** what Cilium says nothing about although it rarely is what was meant */
  listWarnings (node: string): readonly WarningView[]
  /** fullest first */
  mapPressures (node: string): readonly MapPressure[]
  listFrontends (node: string): readonly FrontendView[]
  getFrontend (node: string, id: number): FrontendView
  getTable (node: string, id: number): TableView
  listMaps (node: string): readonly MapView[]
  getMap (node: string, id: number): MapView
  /** bpftool's shape: bytes as "0x.." strings; of per-CPU maps one value per CPU; of outer maps the inner map's id */
  mapEntries (node: string, id: number, options?: { limit?: number, cursor?: string }): { items: readonly unknown[], next: string | null }
  listPrograms (node: string): readonly ProgramView[]
  getProgram (node: string, id: number): ProgramView
  /** bpftool's text, with the C lines */
  xlated (node: string, id: number): string
  lbMapsText (node: string): string

  /** `cilium-dbg service list` of the node's agent */
  serviceList (node: string): CiliumList<readonly unknown[]>
  /** `cilium-dbg bpf lb list`, read back from the maps */
  bpfLbList (node: string, shape: BpfLbShape): CiliumList<Readonly<Record<string, readonly string[]>>>
  /** `cilium-dbg bpf lb maglev list`, read back from the maps. @param frontends revNAT ids; all unless said */
  maglevList (node: string, form: MaglevListForm, frontends?: readonly number[]): CiliumList<Readonly<Record<string, readonly string[]>>>
  /** pauses after every table that is built */
  compareTablesSteps (node: string, request: TableComparisonRequest): Generator<undefined, TablesAnswer>

  /** the node's agent over a copy of the desired state: plans changes, writes nothing; it does not see later changes */
  rehearse (node: string): Rehearsal

  lookup (request: LookupRequest): LookupReport
  /** lib/sim/reports.ts answers it; formatReport of lib/report prints it in other forms */
  report<K extends ReportKind> (request: ReportRequest<K>): ReportKinds[K]['report']
  /** the same in steps of a few milliseconds, which tell the progress; what it says is of the revision at the first one */
  reportSteps<K extends ReportKind> (request: ReportRequest<K>): ReportSteps<ReportKinds[K]['report']>
  /** pauses every few milliseconds; lib/sim/comparison.ts answers it */
  comparisonSteps (request: ComparisonRequest): Generator<undefined, Comparison>
  /** the node's program with every access told; dispose it before the next change */
  watch (node: string): WatchedNode
  /** another simulator, with nodes like these and no service; what is done there is not seen here */
  scratch (nodes: readonly string[]): Simulator
  /** for worker threads (attachCore); nothing in it is a copy, so it sees every later change of the node's maps */
  attach (node: string): NodeAttachment
  /** of the node as it is now; throws NODE_NOT_FOUND */
  flowCounter (node: string): FlowCounter
}
