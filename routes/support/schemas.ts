// The nouns of the API as schemas, shared by all routes. A schema with a `title` becomes a component of that name in
// openapi.yaml; every field has a description and a limit, input refuses members that it does not know.

import { Type, type Static, type TOptional, type TSchema, type TUnsafe } from 'typebox'
import { datapathLayouts } from '../../lib/datapath/index.ts'
import {
  algorithms, defaultAffinityTimeoutSeconds, defects, forwardingModes, largestAffinityTimeoutSeconds, sourceRangePolicies,
  trafficDistributions, trafficPolicies
} from '../../lib/loadbalancer/index.ts'
import { releases } from '../../lib/maglev/index.ts'
import { limits } from './limits.ts'

export const closed = { additionalProperties: false } as const

/** Literals as one `enum`. */
export const OneOf = <const T extends string>(values: readonly T[], description: string, extra: Record<string, unknown> = {}) =>
  Type.Unsafe<T>({ type: 'string', enum: [...values], description, ...extra })

/** null or the schema: as a list of types where it can, which validates faster and applies defaults; a component as a union. */
export const Nullable = <T extends TSchema>(schema: T, description: string) => {
  const { type, title, enum: values, ...rest } = schema as T & { type?: unknown, title?: unknown, enum?: unknown[] }
  if (typeof type !== 'string' || title !== undefined) return Type.Unsafe<Static<T> | null>({ anyOf: [schema, { type: 'null' }], description })
  return Type.Unsafe<Static<T> | null>({ ...rest, type: [type, 'null'], ...(values === undefined ? {} : { enum: [...values, null] }), description })
}

const count = (description: string, maximum = 4_294_967_295) => Type.Integer({ minimum: 0, maximum, description })
const id = (description: string) => Type.Integer({ minimum: 0, maximum: 4_294_967_295, description })

// -- parameters

export const ObjectName = (what: string) => Type.String({
  minLength: 1, maxLength: 253, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$', description: `${what}, as Kubernetes allows it: lower-case letters, digits, \`-\` and \`.\`.`
})

export const ServiceParams = Type.Object({ namespace: ObjectName('Namespace of the service'), name: ObjectName('Name of the service') })

export const NodeName = Type.String({ minLength: 1, maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', description: 'Name of the node.' })
export const NodeParams = Type.Object({ name: NodeName })
export const NodeItemParams = (what: string) => Type.Object({ name: NodeName, id: Type.Integer({ minimum: 0, maximum: 4_294_967_295, description: `Id of the ${what} on this node.` }) })

// -- services

type Partially<P extends Record<string, TSchema>> = { [K in keyof P]: ReturnType<typeof Type.Optional<P[K]>> }

const partially = <P extends Record<string, TSchema>>(properties: P) =>
  Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, Type.Optional(schema)])) as Partially<P>

export const Address = Type.String({ minLength: 2, maxLength: 45, description: 'IPv4 or IPv6 address.' })
export const Port = Type.Integer({ minimum: 1, maximum: 65_535, description: 'Port.' })
export const Protocol = OneOf(['TCP', 'UDP', 'SCTP'], 'Transport protocol.')
const PortName = Type.String({ maxLength: 63, description: 'Name of the service port, which frontends and backends share.' })

const InternalScope = OneOf(['internal'], 'The entry for packets from pods of the node, where these get other backends.')

export const FrontendSpec = Type.Object({
  address: Address,
  port: Port,
  protocol: OneOf(['TCP', 'UDP', 'SCTP'], 'Transport protocol.', { default: 'TCP' }),
  type: OneOf(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalIPs', 'HostPort'], 'How clients reach it. A ClusterIP has no Maglev table unless the node says so.', { default: 'LoadBalancer' }),
  portName: Type.Optional(PortName),
  scope: Type.Optional(InternalScope)
}, { title: 'FrontendSpec', description: 'An address at which a service is reached.', ...closed })

const backendStates = ['active', 'terminating', 'terminating-not-serving', 'quarantined', 'maintenance'] as const

export const BackendSpec = Type.Object({
  address: Address,
  port: Port,
  protocol: OneOf(['TCP', 'UDP', 'SCTP'], 'Transport protocol.', { default: 'TCP' }),
  weight: Type.Integer({ minimum: 0, maximum: 65_535, default: 100, description: 'Share of the table relative to the other backends; 0 takes part in nothing.' }),
  state: OneOf(backendStates, 'Only active backends get new flows.', { default: 'active' }),
  portName: Type.Optional(PortName),
  nodeName: Type.Optional(Type.String({ maxLength: 253, description: 'Node that the backend runs on.' })),
  zone: Type.Optional(Type.String({ maxLength: 253, description: 'Zone that the backend runs in.' })),
  forZones: Type.Optional(Type.Array(Type.String({ maxLength: 253 }), { maxItems: 64, description: 'Zones whose clients it is meant for.' }))
}, { title: 'BackendSpec', description: 'A place that serves a service.', ...closed, examples: [{ address: '10.244.7.7', port: 8443, weight: 50 }] })

export const BackendPatch = Type.Object({
  weight: Type.Optional(Nullable(Type.Integer({ minimum: 0, maximum: 65_535 }), 'Share of the table; null: 100.')),
  state: Type.Optional(Nullable(OneOf(backendStates, 'State.'), 'null: active.')),
  portName: Type.Optional(Nullable(PortName, 'null removes it.')),
  nodeName: Type.Optional(Nullable(Type.String({ maxLength: 253 }), 'null removes it.')),
  zone: Type.Optional(Nullable(Type.String({ maxLength: 253 }), 'null removes it.')),
  forZones: Type.Optional(Nullable(Type.Array(Type.String({ maxLength: 253 }), { maxItems: 64 }), 'null removes it.'))
}, { title: 'BackendPatch', description: 'Merge patch of a backend; its address, port and protocol are its name and stay.', ...closed, examples: [{ weight: 50 }] })

const frontends = Type.Array(FrontendSpec, { maxItems: limits.frontendsPerService, default: [], description: 'Addresses of the service.' })
const backends = Type.Array(BackendSpec, { maxItems: limits.backendsPerService, default: [], description: 'Backends of the service.' })

export const BackendList = Type.Object({ backends: Type.Array(BackendSpec, { maxItems: limits.backendsPerService, description: 'All of them.' }) }, {
  title: 'BackendList', description: 'All backends of a service.', ...closed, examples: [{ backends: [{ address: '10.244.1.7', port: 8080 }, { address: '10.244.2.9', port: 8080 }] }]
})

const serviceExample = {
  frontends: [{ address: '172.20.0.10', port: 443, protocol: 'TCP', type: 'LoadBalancer' }],
  backends: [{ address: '10.244.1.7', port: 8443 }, { address: '10.244.2.9', port: 8443 }, { address: '10.244.3.4', port: 8443, weight: 50 }]
}

const traitSchemas = {
  loadBalancerClass: Type.String({ minLength: 1, maxLength: 253, description: 'Kubernetes\' loadBalancerClass: addresses of a class that Cilium does not manage get no wildcard entry.' }),
  sessionAffinity: Type.Object({
    timeoutSeconds: Type.Integer({ minimum: 1, maximum: largestAffinityTimeoutSeconds, default: defaultAffinityTimeoutSeconds, description: 'How long without a packet.' })
  }, { description: 'A client stays with its backend. Nodes may have it off (option `enable-session-affinity`).', ...closed }),
  externalTrafficPolicy: OneOf([...trafficPolicies], 'Local: what comes from outside the node goes to backends on it only.'),
  internalTrafficPolicy: OneOf([...trafficPolicies], 'Local: what comes from inside the node goes to backends on it only.'),
  sourceRanges: Type.Object({
    cidrs: Type.Array(Type.String({ minLength: 4, maxLength: 49, description: 'A range of addresses, such as 198.51.100.0/24.' }), { minItems: 1, maxItems: limits.sourceRangesPerService, description: 'Ranges of clients.' }),
    policy: OneOf([...sourceRangePolicies], 'Whether these clients are let through, or all others.', { default: 'allow' })
  }, { description: 'Clients of LoadBalancer frontends; of all frontends where the node says so (option `bpf-lb-source-range-all-types`).', ...closed }),
  algorithm: OneOf([...algorithms], 'Backend selection of its own, on nodes that read the annotation (option `bpf-lb-algorithm-annotation`).'),
  forwardingMode: OneOf([...forwardingModes], 'Forwarding of its own, on nodes that read the annotation (option `bpf-lb-mode-annotation`).'),
  proxyDelegation: OneOf(['delegate-if-local'], 'The node\'s own proxy takes the packets where the backend is local.'),
  l7ProxyPort: Type.Integer({ minimum: 1, maximum: 65_535, description: 'Packets go to the proxy behind this port of the node.' }),
  trafficDistribution: OneOf([...trafficDistributions], 'Which backends are preferred on nodes with topology on (option `enable-service-topology`).'),
  healthCheckNodePort: Type.Integer({ minimum: 1, maximum: 65_535, description: 'Port at which nodes tell whether they have a backend.' }),
  loopbackHostPort: Type.Literal(true, { description: 'Host ports that only the node itself reaches.' }),
  exposure: Type.Object({
    node: Type.Optional(Type.String({ maxLength: 63, description: 'Value of the node label `service.cilium.io/node`.' })),
    nodeSelector: Type.Optional(Type.String({ maxLength: 4096, description: 'Label selector over the node\'s labels; goes before `node`.' })),
    nodeName: Type.Optional(Type.String({ maxLength: 253, description: 'Just that node.' }))
  }, { description: 'Nodes on which the service is; all unless said.', ...closed })
}

const traits = partially(traitSchemas)

export const ServiceBody = Type.Object({
  namespace: Type.Optional(ObjectName('Namespace, as in the address')),
  name: Type.Optional(ObjectName('Name, as in the address')),
  source: Type.Optional(OneOf(['api'], 'As read: who owns the object.')),
  frontends,
  backends,
  ...traits
}, {
  title: 'ServiceBody', description: 'A service. Its name is in the address; what GET answers is accepted as it is.', ...closed, examples: [serviceExample]
})

const nullableTraits = Object.fromEntries(Object.entries(traitSchemas)
  .map(([name, schema]) => [name, Type.Optional(Nullable(schema, 'null removes it.'))])) as { [K in keyof typeof traitSchemas]: TOptional<TUnsafe<unknown>> }

export const ServicePatch = Type.Object({
  frontends: Type.Optional(Nullable(Type.Array(FrontendSpec, { maxItems: limits.frontendsPerService }), 'Replaces all frontends; null removes them.')),
  backends: Type.Optional(Nullable(Type.Array(BackendSpec, { maxItems: limits.backendsPerService }), 'Replaces all backends; null removes them.')),
  ...nullableTraits
}, { title: 'ServicePatch', description: 'Merge patch of a service.', ...closed, examples: [{ backends: [{ address: '10.244.1.7', port: 8443 }] }] })

export const ServiceSpec = Type.Object({ namespace: ObjectName('Namespace'), name: ObjectName('Name'), frontends, backends, ...traits }, {
  title: 'ServiceSpec', description: 'A service: its frontends and its backends.', ...closed, examples: [{ namespace: 'shop', name: 'web', ...serviceExample }]
})

export const Source = OneOf(['api', 'k8s', 'dump'], 'Who owns the object: `api` is edited here, `k8s` and `dump` change by importing again.')

export const Service = Type.Object({
  namespace: ObjectName('Namespace'),
  name: ObjectName('Name'),
  source: Source,
  frontends: Type.Array(FrontendSpec, { description: 'Addresses of the service.' }),
  backends: Type.Array(BackendSpec, { description: 'Backends of the service.' }),
  ...traits
}, { title: 'Service', description: 'A service of the cluster\'s desired state.', ...closed })

// -- imports, addresses, state

export const ImportReport = Type.Object({
  revision: count('Revision of the desired state after the import.', Number.MAX_SAFE_INTEGER),
  created: count('Objects that were not there.'),
  updated: count('Objects that changed.'),
  deleted: count('Objects that went.'),
  unchanged: count('Objects that were as imported already.'),
  skipped: Type.Array(Type.Object({
    file: Type.Optional(Type.String({ description: 'Of an archive: the file in it.' })),
    document: Type.Integer({ description: 'Position in the import, or in the file of an archive, from 0.' }),
    kind: Type.String({ description: 'Kind of the object, or of the setting.' }),
    name: Type.String({ description: 'namespace/name of the object, or name of the setting.' }),
    reason: Type.String({ description: 'Why it was left out.' }),
    field: Type.Optional(Type.String({ description: 'JSON Pointer into the object, where only that is without effect.' })),
    code: Type.Optional(OneOf(['unmatched-port'], 'Port of a Service whose name no endpoint has.'))
  }, closed), { description: 'What was left out, and why.' }),
  warnings: Type.Optional(Type.Array(Type.Object({
    node: Type.String({ description: 'Name of the node.' }),
    code: Type.String({ description: 'The kind, as in the node\'s warnings.' }),
    count: Type.Integer({ description: 'How many of the kind there are on the node, of the services that the import names.' }),
    message: Type.String({ description: 'The first of them.' })
  }, closed), { description: 'What Cilium says nothing about, after the import: of the services that it names, changed or not, and of the nodes as a whole (maps, ids). Where `warnings` asks for it, and not of a dry run. `GET /v1/nodes/{name}/warnings` lists all of a node.' }))
}, { title: 'ImportReport', description: 'What an import did, or would do.', ...closed })

export const NodeAddresses = Type.Object({
  addresses: Type.Array(Address, { maxItems: limits.nodeAddresses, uniqueItems: true, description: 'Addresses at which NodePort frontends answer on nodes that have none of their own.' })
}, { title: 'NodeAddresses', description: 'The cluster\'s node addresses.', ...closed, examples: [{ addresses: ['192.0.2.10', '2001:db8::10'] }] })

export const Clock = Type.Object({
  uptimeMs: Type.Integer({ minimum: 0, maximum: 100 * 365 * 86_400_000, description: 'Milliseconds since the emulated machines started.' })
}, { title: 'Clock', description: 'The clock of the emulated machines, which stands still unless it is set.', ...closed, examples: [{ uptimeMs: 61_000 }] })

// -- nodes

export const TableSizePolicy = Type.Union([
  Type.Object({ fixed: Type.Integer({ minimum: 2, maximum: 131_071, description: 'Table size M, one of the supported primes.' }) }, closed),
  Type.Object({ perService: Type.Object({ perBackend: Type.Integer({ minimum: 1, maximum: 1000, description: 'Slots per backend at least.' }) }, closed) }, closed)
], { title: 'TableSizePolicy', description: 'One table size for all services, or one for each by its backends (layouts with dynamic inner maps only).' })

const mapSize = (description: string) => Type.Integer({ minimum: 1, maximum: 16_777_216, description })
const mapSizes = {
  services: mapSize('Entries of the service maps.'),
  backends: mapSize('Entries of the backend maps.'),
  revNat: mapSize('Entries of the reverse NAT maps.'),
  maglev: mapSize('Entries of the outer Maglev maps.'),
  affinity: mapSize('Entries of the session affinity maps.'),
  sourceRange: mapSize('Entries of the source range maps.')
}

const LabelName = Type.String({ maxLength: 317, pattern: '^[A-Za-z0-9][-A-Za-z0-9_./]*$' })

const settings = {
  kernel: Type.String({ minLength: 1, maxLength: 20, pattern: '^[0-9a-z.-]+$', description: 'Kernel profile.' }),
  possibleCpus: Type.Integer({ minimum: 1, maximum: limits.possibleCpus, description: 'Possible CPUs; per-CPU maps hold a copy for each.' }),
  release: OneOf(releases, 'Cilium release line: how tables are filled and flows hashed, which backends are in them.'),
  defect: OneOf(defects, 'A mistake of a release that the program makes: half-table is the table reader of Cilium 1.9.0 to 1.9.6.'),
  conntrack: Type.Boolean({ description: 'Remember connections. Without it every packet is as the first of its flow, but for session affinity and fragments.' }),
  algorithm: OneOf([...algorithms], 'Backend selection, for services that ask for none of their own.'),
  layout: OneOf([...datapathLayouts], '`blob`: Cilium\'s one value of 4 x M bytes. `dynamic`: an array of M entries, of another M for each service. `fixed`: an array of M entries, one M for all. ' +
    '`flat`: one array for all services. `packed`: as `dynamic`, two ids to an entry. `compact`: the ids, and M indices into them that take as little as the backends need.'),
  tableSizePolicy: TableSizePolicy,
  // its form is the simulator's to judge, which says how many bytes were given
  seed: Type.String({ maxLength: 1024, description: 'Hash seed, 12 bytes in base64.', examples: ['JLfvgnHc2kaSUFaI'] }),
  preallocateMaps: Type.Boolean({ description: 'Whether hash maps allocate all their elements when they are created.' }),
  inlining: OneOf(['kernel', 'never'], 'Whether map lookups are inlined as the kernel does, or never.'),
  spectreMasking: Type.Boolean({ description: 'Whether the maps are those of a creator without CAP_PERFMON: inlined array lookups mask the index, and arrays take a power of two of elements.' }),
  addresses: Nullable(Type.Array(Address, { maxItems: limits.nodeAddresses, uniqueItems: true }), 'The node\'s own addresses; null takes the cluster\'s.'),
  nodeName: Nullable(Type.String({ maxLength: 253 }), 'The Kubernetes node that it is: backends there are local to it. null: one of its own name.'),
  zone: Nullable(Type.String({ maxLength: 63 }), 'Its zone; null: that of its labels.'),
  labels: Type.Record(LabelName, Type.String({ maxLength: 63 }), { maxProperties: 200, description: 'Labels besides those of the imported Node of its name, and before them.' }),
  options: Type.Record(Type.String({ maxLength: 80, pattern: '^[a-z0-9][a-z0-9.-]*$' }), Type.Union([Type.String({ maxLength: 1024 }), Type.Number(), Type.Boolean()]),
    { maxProperties: 200, description: 'Options under the names of `cilium-config`.' }),
  engine: OneOf(['interpreter'], 'What executes programs.')
}

const partialSettings = partially({ ...settings, mapSizes: Type.Object(partially(mapSizes), { description: 'Sizes of the BPF maps.', ...closed }) })

export const nodeExample = { name: 'wide', layout: 'dynamic', tableSizePolicy: { perService: { perBackend: 100 } } }

export const NodeCreation = Type.Object({ name: NodeName, ...partialSettings }, {
  title: 'NodeCreation', description: 'A node to make; what is left out is as on node `cilium` when it was new.', ...closed, examples: [nodeExample]
})

export const NodePatch = Type.Object({
  ...partialSettings,
  // a member of one policy takes the place of the other, so that nobody has to send null for the one that goes
  tableSizePolicy: Type.Optional(Type.Object({
    fixed: Type.Optional(Nullable(Type.Integer({ minimum: 2, maximum: 131_071 }), 'One M for all services.')),
    perService: Type.Optional(Nullable(Type.Object({ perBackend: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })) }, closed), 'M by the number of backends.'))
  }, { description: 'Naming one policy replaces the other.', ...closed })),
  labels: Type.Optional(Type.Record(LabelName, Type.Union([Type.String({ maxLength: 63 }), Type.Null()]), { maxProperties: 200, description: 'Labels to set; null unsets.' })),
  options: Type.Optional(Type.Record(Type.String({ maxLength: 80, pattern: '^[a-z0-9][a-z0-9.-]*$' }),
    Type.Union([Type.String({ maxLength: 1024 }), Type.Number(), Type.Boolean(), Type.Null()]), { maxProperties: 200, description: 'Options to set; null unsets.' }))
}, { title: 'NodePatch', description: 'Merge patch of a node; the node is rebuilt with the current services.', ...closed, examples: [{ tableSizePolicy: { fixed: 1021 } }] })

const nodeSettings = { name: NodeName, ...settings, mapSizes: Type.Object(mapSizes, { description: 'Sizes of the BPF maps.', ...closed }) }

export const NodeSettings = Type.Object(nodeSettings, { title: 'NodeSettings', description: 'Settings of an emulated node.', ...closed })

const TableSizeChange = Type.Object({
  revision: count('Revision of the desired state that brought it.', Number.MAX_SAFE_INTEGER),
  service: Type.Object({ namespace: Type.String({ description: 'Namespace of the service.' }), name: Type.String({ description: 'Name of the service.' }) }, { description: 'The service.', ...closed }),
  frontend: count('revNAT id of the frontend.'),
  from: count('M before.'),
  to: count('M after.'),
  movedShare: Type.Number({ minimum: 0, maximum: 1, description: 'Share of new flows that get another backend than before.' })
}, closed)

export const NodeView = Type.Object({
  ...nodeSettings,
  tableSizeChanges: Type.Array(TableSizeChange, { description: 'The last 100 tables that the policy gave another M, oldest first.' }),
  counts: Type.Object({ frontends: count('Frontends.'), tables: count('Maglev tables.'), maps: count('BPF maps.'), programs: count('BPF programs.') },
    { description: 'What the node holds.', ...closed }),
  memory: Type.Object({
    memlockBytes: count('As the kernel accounts the maps.', Number.MAX_SAFE_INTEGER), allocatedBytes: count('With allocator classes and pages.', Number.MAX_SAFE_INTEGER)
  }, { description: 'Memory of all maps.', ...closed })
}, { title: 'Node', description: 'An emulated machine.', ...closed })

export const ClusterState = Type.Object({
  revision: count('Revision of the desired state.', Number.MAX_SAFE_INTEGER),
  nodeAddresses: Type.Array(Address, { description: 'The cluster\'s node addresses.' }),
  services: Type.Array(Service, { description: 'All services.' }),
  nodes: Type.Array(NodeSettings, { description: 'Settings of all nodes.' })
}, { title: 'ClusterState', description: 'The whole state, but for what was computed from it.', ...closed })

const ServiceOfState = Type.Object({ ...ServiceSpec.properties, source: Type.Optional(Source) }, {
  title: 'ServiceOfState', description: 'A service as it is saved: one edited here unless `source` says that it was imported.', ...closed
})

export const ClusterStateBody = Type.Object({
  revision: Type.Optional(count('As read; without effect, revisions only grow.', Number.MAX_SAFE_INTEGER)),
  nodeAddresses: Type.Array(Address, { maxItems: limits.nodeAddresses, uniqueItems: true, default: [], description: 'The cluster\'s node addresses.' }),
  services: Type.Array(ServiceOfState, { maxItems: limits.services, default: [], description: 'All services; what is not listed goes.' }),
  nodes: Type.Optional(Type.Array(NodeCreation, { maxItems: limits.nodes, description: 'All nodes; what is not listed goes. Left out: the nodes stay as they are.' }))
}, {
  title: 'ClusterStateBody',
  description: 'The state to take the place of the current one; what GET answers is accepted as it is.',
  ...closed,
  examples: [{ nodeAddresses: ['192.0.2.10'], services: [{ namespace: 'shop', name: 'web', ...serviceExample }] }]
})

// -- what nodes hold

export const Frontend = Type.Object({
  id: id('revNAT id on this node.'),
  address: Type.String({ description: 'Address.' }),
  port: Type.Integer({ description: 'Port; 0 for the wildcard entry of an address.' }),
  protocol: Type.String({ description: 'Transport protocol.' }),
  type: Type.String({ description: 'Type of the frontend.' }),
  portName: Type.Optional(PortName),
  scope: Type.Optional(InternalScope),
  hiddenProtocols: Type.Optional(Type.Array(Type.String(), { description: 'On nodes before 1.17: protocols at the same address and port that are not programmed beside this one, whose packets it gets.' })),
  service: Type.Object({ namespace: Type.String(), name: Type.String() }, { description: 'The service it leads to.', ...closed }),
  backends: Type.Array(Type.Object({
    id: id('Backend id on this node.'), address: Type.String(), port: Type.Integer(), protocol: Type.String(), weight: Type.Integer(), state: Type.String()
  }, closed), { description: 'Backends in the order of their slots.' }),
  table: Nullable(Type.Object({
    m: Type.Integer({ description: 'Slots.' }),
    backends: Type.Integer({ description: 'Backends in the table.' }),
    mapId: id('Inner map that holds it now; every rebuild makes another.')
  }, closed), 'The Maglev table; null: there is none.'),
  reason: Nullable(Type.String(), 'Why there is no table.'),
  warnings: Type.Array(Type.Object({ code: Type.String({ description: 'The kind, for programs.' }), message: Type.String({ description: 'What is odd, in words.' }) }, closed),
    { description: 'What Cilium accepts although it rarely does what was meant: too few slots, weights without effect.' })
}, { title: 'Frontend', description: 'A frontend as a node realises it.', ...closed })

export const Table = Type.Object({
  m: Type.Integer({ description: 'Slots.' }),
  seed: Type.String({ description: 'Hash seed in base64.' }),
  counts: Type.Record(Type.String(), Type.Integer(), { description: 'Slots of each backend id.' }),
  sha256U32LE: Type.String({ description: 'SHA-256 over the slots as little-endian 32-bit numbers.' }),
  slots: Type.Array(Type.Integer(), { description: 'Backend id of every slot, read back from the node\'s inner map.' })
}, { title: 'Table', description: 'A Maglev table.', ...closed })

export const MapView = Type.Object({
  id: id('Map id.'),
  type: Type.String({ description: 'Map type, as bpftool names it.' }),
  name: Type.String({ description: 'Name, of up to 15 characters.' }),
  fullName: Type.String({ description: 'Cilium\'s name, which the kernel cuts off.' }),
  flags: Type.Integer({ description: 'map_flags.' }),
  bytes_key: Type.Integer({ description: 'Key size.' }),
  bytes_value: Type.Integer({ description: 'Value size.' }),
  max_entries: Type.Integer({ description: 'Capacity.' }),
  bytes_memlock: Type.Integer({ description: 'As this kernel accounts it.' }),
  frozen: Type.Integer({ description: '1: user space may not write.' }),
  allocatedBytes: Type.Integer({ description: 'With allocator classes and pages.' }),
  entries: Type.Integer({ description: 'Entries in it.' })
}, { title: 'Map', description: 'A BPF map, in the shape of `bpftool map show -j`.', ...closed })

export const Program = Type.Object({
  id: id('Program id.'),
  type: Type.String({ description: 'Program type.' }),
  name: Type.String({ description: 'Name.' }),
  tag: Type.String({ description: 'Hash of the instructions.' }),
  bytes_xlated: Type.Integer({ description: 'Size of the translated program.' }),
  map_ids: Type.Array(Type.Integer(), { description: 'Maps that it uses.' }),
  insnsLoaded: Type.Integer({ description: 'Instructions as loaded.' }),
  insnsTranslated: Type.Integer({ description: 'Instructions as executed.' })
}, { title: 'Program', description: 'A loaded BPF program.', ...closed })

// -- lookups

export const Flow = Type.Object({
  source: Address,
  sourcePort: Type.Integer({ minimum: 0, maximum: 65_535, description: 'Source port.' }),
  destination: Address,
  destinationPort: Type.Integer({ minimum: 0, maximum: 65_535, description: 'Destination port.' }),
  protocol: OneOf(['TCP', 'UDP', 'SCTP'], 'Transport protocol.', { default: 'TCP' })
}, { title: 'Flow', description: 'Five-tuple of a flow; its first packet is looked up.', ...closed })

export const PacketOrigin = OneOf(['outside', 'inside'], 'Where the packets come from: outside the cluster, or a pod of each node that is asked, which may use ClusterIPs, gets the backends of internalTrafficPolicy, and whose backend is drawn at random as in Cilium.', { default: 'outside' })

export const LookupRequest = Type.Object({
  nodes: Type.Optional(Type.Array(NodeName, { minItems: 1, maxItems: limits.nodes, uniqueItems: true, description: 'Nodes to ask; all where left out.' })),
  flows: Type.Optional(Type.Array(Flow, { minItems: 1, maxItems: limits.flowsPerLookup, description: 'Flows.' })),
  // what is wrong with a frame is told by who reads it, which a pattern could not
  packets: Type.Optional(Type.Array(Type.String({ maxLength: 2 * limits.packetBytes, description: 'An Ethernet frame in hex, from its 14 bytes of header on.' }), { minItems: 1, maxItems: limits.flowsPerLookup, description: 'Packets.' })),
  from: PacketOrigin,
  trace: Type.Boolean({ default: false, description: `List every instruction executed; ${limits.tracedPackets} packets at most.` }),
  explain: Type.Boolean({ default: false, description: `Say how each flow came to its backend: frontend, connection, affinity, hash, slot, the step that decided; ${limits.tracedPackets} packets at most.` }),
  randomSeed: Type.Optional(Type.Integer({ minimum: 0, maximum: 0xffffffff, description: 'State of the programs\' randomness before the first packet; as the last lookup left it unless said.' }))
}, {
  title: 'LookupRequest',
  description: 'Flows or packets, one of the two.',
  ...closed,
  examples: [{ flows: [{ source: '203.0.113.7', sourcePort: 51022, destination: '172.20.0.10', destinationPort: 443, protocol: 'TCP' }] }]
})

const Accesses = Type.Object({ stack: count('Stack.'), packet: count('Packet.'), ctx: count('Context.'), map: count('Map values.'), kernel: count('Kernel structures.') },
  { description: 'Memory accesses by region.', ...closed })

export const Cost = Type.Object({
  instructions: count('Instructions executed, of the translated program.'),
  mapLookups: count('Lookups passed, inlined or called.'),
  mapCalls: count('Calls into a map function.'),
  loads: Accesses,
  stores: Accesses
}, { title: 'Cost', description: 'What this very execution cost.', ...closed })

const TraceStep = Type.Object({
  insn: Type.Integer({ description: 'Slot in the translated program.' }),
  text: Type.String({ description: 'The instruction.' }),
  source: Nullable(Type.Object({ file: Type.String(), line: Type.Integer(), text: Type.String() }, closed), 'The C line, where the line info has one.'),
  registers: Type.Array(Type.String(), { description: 'r0 to r10 after it.' })
}, { title: 'TraceStep', description: 'One executed instruction.', ...closed })

export const NamedFrontend = Type.Object({
  id: id('revNAT id: which Maglev table.'),
  service: Type.Object({ namespace: Type.String(), name: Type.String() }, { description: 'The service.', ...closed }),
  address: Type.String(),
  port: Type.Integer(),
  protocol: Type.String(),
  scope: Type.Optional(InternalScope)
}, closed)

const LookupExplanation = Type.Object({
  frontend: Nullable(NamedFrontend, 'What the packet is addressed to; null: nothing that this node balances.'),
  connection: Nullable(Type.Object({
    state: OneOf(['none', 'ended', 'closing', 'established', 'other-service'], 'What the packet met; `other-service` (before 1.17): a connection to the service that had the address before, which does not count.'),
    backendId: Nullable(Type.Integer(), 'Its backend.'),
    endsInSeconds: Nullable(Type.Integer(), 'By the machine\'s clock, without another packet.')
  }, closed), 'What the node remembered of the flow; null on nodes without conntrack.'),
  affinity: Nullable(Type.Object({
    timeoutSeconds: Type.Integer({ description: 'Of the service.' }),
    backendId: Nullable(Type.Integer(), 'The client\'s backend before the packet.'),
    endsInMs: Nullable(Type.Number(), 'By the machine\'s clock, without another packet.')
  }, closed), 'Session affinity; null for services without.'),
  draw: Nullable(Type.Object({
    of: Type.Integer({ description: 'Slots that could be drawn: backends that take new flows.' }),
    slot: Type.Integer({ description: 'The one drawn, from 1.' }),
    backendId: Nullable(Type.Integer(), 'Its backend.')
  }, closed), 'Random selection; null: a table was asked, or the flow or its client had a backend.'),
  hash: Nullable(Type.String(), 'Hash of the flow, as the program had it in a register; null: no table was asked.'),
  hashInputs: Nullable(Type.Object({
    source: Type.String({ description: 'Address of the client.' }),
    sourcePort: Type.Integer({ description: '0 where session affinity leaves it out.' }),
    destinationPort: Type.Integer(),
    protocol: Type.Integer({ description: 'IP protocol number.' }),
    seed: Type.Integer({ description: 'Of the address family, from the Maglev seed.' }),
    portOrder: OneOf(['destination-first', 'source-first'], 'Which port is the upper half of the ports\' word: it changed with 1.17.')
  }, closed), 'What went into the hash.'),
  slot: Nullable(Type.Object({
    m: Type.Integer({ description: 'Slots of the table.' }),
    index: Type.Integer({ description: 'Hash modulo m.' }),
    backendId: Nullable(Type.Integer(), 'What the table holds there.'),
    outer: Nullable(Type.Object({
      key: Type.Integer({ description: 'revNAT id.' }),
      mapId: Type.Integer({ description: 'Id of the inner map.' })
    }, closed), 'The entry of the outer map; null in layout flat, which has none.')
  }, closed), 'The slot of the Maglev table.'),
  ended: Nullable(Type.Object({
    step: Type.String({ description: 'The step that decided.' }),
    code: Nullable(Type.Integer(), 'Cilium\'s drop code; null for packets that are not dropped.'),
    text: Type.String({ description: 'The same in words.' })
  }, closed), 'Where the way ended; null after a fault of the program.')
}, { title: 'LookupExplanation', description: 'The way to the backend; what the program did not get to is null.', ...closed })

export const LookupReport = Type.Object({
  revision: count('Revision of the desired state that was asked.', Number.MAX_SAFE_INTEGER),
  results: Type.Array(Type.Object({
    agree: Type.Boolean({ description: 'Whether all nodes gave the same verdict and backend.' }),
    nodes: Type.Array(Type.Object({
      node: Type.String({ description: 'Name of the node.' }),
      verdict: OneOf(['XDP_ABORTED', 'XDP_DROP', 'XDP_PASS', 'XDP_TX', 'XDP_REDIRECT'], 'What the program returned.'),
      backend: Nullable(Type.Object({ id: id('Backend id on this node.'), address: Type.String(), port: Type.Integer() }, closed), 'The backend, read from the rewritten packet.'),
      drop: Nullable(Type.Object({ code: Type.Integer({ description: 'Cilium\'s drop reason.' }), step: Type.String({ description: 'Where it was dropped.' }) }, closed), 'Why it was dropped.'),
      packet: Type.String({ description: 'The packet after the program, in hex.' }),
      cost: Cost,
      fault: Nullable(Type.Object({ code: Type.String(), message: Type.String() }, closed), 'Set when the engine ended the program.'),
      trace: Type.Optional(Type.Array(TraceStep, { description: 'Every executed instruction.' })),
      explanation: Type.Optional(LookupExplanation)
    }, { title: 'NodeLookup', ...closed }))
  }, closed), { description: 'One for each flow or packet, in their order.' })
}, { title: 'LookupReport', description: 'What the nodes do with the packets.', ...closed })

// -- problems

export const ProblemSchema = Type.Object({
  type: Type.String({ description: 'Address of the description of this kind of problem.' }),
  title: Type.String({ description: 'The kind in words.' }),
  status: Type.Integer({ minimum: 400, maximum: 599, description: 'HTTP status.' }),
  detail: Type.String({ description: 'What was wrong here, and what to do.' }),
  instance: Type.String({ description: 'Id of the request, which the log carries too.' }),
  code: Type.String({ description: 'The kind, for programs.' }),
  errors: Type.Optional(Type.Array(Type.Object({
    pointer: Type.String({ description: 'JSON Pointer into the body, or the name of a parameter.' }), detail: Type.String({ description: 'What is wrong there.' })
  }, closed), { description: 'The exact places.' }))
}, { title: 'Problem', description: 'A problem (RFC 9457); further members say more about some kinds.' })
