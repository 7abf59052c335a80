// The balancer in the running kernel, in every layout, against the model of test/support: verdict, bytes, counted reason.

import {
  datapathLayouts, encodeBackendValue, encodeRevNatId, encodeServiceKey, encodeServiceValue, encodeU32, frontendWord, mapNames, reasons
} from '../../lib/datapath/index.ts'
import type { DatapathLayout } from '../../lib/datapath/index.ts'
import { oneTableSizeForAll } from '../../lib/loadbalancer/index.ts'
import { buildTable, defaultSeed, supportedTableSizes } from '../../lib/maglev/index.ts'
import { buildPacket, formatAddress, parseAddress, parsePacket, verifyChecksums } from '../../lib/packet/index.ts'
import type { PacketSpec } from '../../lib/packet/index.ts'
import { comparisonPackets, createTrafficGenerator } from '../../lib/traffic/index.ts'
import type { ComparisonService } from '../../lib/traffic/index.ts'
import { modelBalancer } from '../support/balancer-model.ts'
import { brokenServices, createWorld, fillMaps, worldOf } from '../support/balancer-world.ts'
import type { World } from '../support/balancer-world.ts'
import { readFlowVectors, vectorBackends } from '../support/flow-vectors.ts'
import type { FlowVector } from '../support/flow-vectors.ts'
import { loadBalancer } from './support/balancer.ts'
import type { KernelBalancer } from './support/balancer.ts'
import { kernelSuite } from './support/tally.ts'
import type { Suite } from './support/tally.ts'

const seed = 600
const mixSize = 600
const sharedTableSize = 4093

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const vectors = readFlowVectors()

await kernelSuite('datapath', 18_000, (suite, t) => {
  const { bpf } = suite
  for (const layout of datapathLayouts) {
    const world = worldOf(layout, sharedTableSize)
    const balancer = loadBalancer(bpf, layout, sharedTableSize)
    fillMaps(world, balancer)

    const mix = comparisonPackets(seed, mixSize, world.comparisonServices)
    console.log(`# ${layout}: seed ${seed}, ${Object.entries(mix.counts).map(([name, count]) => `${name} ${count}`).join(', ')}`)
    const reached = comparePackets(suite, world, balancer, mix.packets.map(({ bytes }) => bytes), `${layout} mix`)
    t.ok((reached.get(3) ?? 0) >= 0.6 * mixSize, 'at least 60 % XDP_TX')
    comparePackets(suite, world, balancer, brokenPackets(world), `${layout} broken services`)
    comparePackets(suite, world, balancer, cutPackets(world), `${layout} cut`)
    comparePackets(suite, world, balancer, oddChecksumPackets(world), `${layout} odd checksums`)
    const zeros = zeroChecksumPackets(world)
    comparePackets(suite, world, balancer, zeros, `${layout} checksums that become 0`)
    const checksums = zeros.map((packet) => parsePacket(balancer.run(packet).data).transport?.checksum)
    t.same(new Set(checksums), new Set([0, 0xffff]), 'TCP has 0, UDP 0xffff instead')
    const long = world.comparisonServices.map((service) => packetTo(service, { payload: new Uint8Array(1400).fill(0xff) }))
    comparePackets(suite, world, balancer, long, `${layout} long`)
    balancer.object.close()

    compareVectors(suite, layout)
  }
  // M is a constant of these programs: the verifier must take each, and each must divide right
  const layouts = datapathLayouts.filter(oneTableSizeForAll)
  for (const m of supportedTableSizes) compareFlows(suite, createWorld(m), layouts, m, 30)
  // the layouts pick the same backend for every flow where their tables are of one size
  compareFlows(suite, createWorld(sharedTableSize), datapathLayouts, sharedTableSize, 1000)
})

/** @returns packets by verdict */
function comparePackets (
  suite: Suite, world: World, balancer: KernelBalancer, packets: readonly Uint8Array[], name: string
): ReadonlyMap<number, number> {
  const expected = reasons.map(() => 0)
  const before = balancer.counters()
  const verdicts = new Map<number, number>()
  packets.forEach((packet, index) => {
    const wanted = modelBalancer(world, packet)
    const found = balancer.run(packet)
    const where = `${name} ${index}: ${hex(packet)} (${wanted.reason})`
    suite.same([found.result, found.retval, hex(found.data)], [0, wanted.verdict, hex(wanted.bytes)], where)
    if (found.retval === 3) suite.same(verifyChecksums(found.data), verifyChecksums(packet), `checksums of ${where}`)
    expected[reasons.findIndex((reason) => reason.name === wanted.reason)]! += 1
    verdicts.set(found.retval, (verdicts.get(found.retval) ?? 0) + 1)
  })
  const counted = balancer.counters().map((count, index) => count - (before[index] ?? 0))
  reasons.forEach((reason, index) => suite.same(counted[index], expected[index], `${name}: counted as ${reason.name}`))
  return verdicts
}

/** flows to the services whose maps are broken in one place each */
function brokenPackets (world: World): Uint8Array[] {
  return brokenServices(world).map(({ address, port, protocol }) =>
    buildPacket({ source: address.map((byte) => byte ^ 1), destination: address, protocol, sourcePort: 40_000, destinationPort: port }))
}

function packetTo ({ address, port, protocol }: ComparisonService, change: Partial<PacketSpec> = {}): Uint8Array {
  return buildPacket({
    source: address.map((byte) => byte ^ 1),
    destination: address,
    protocol: protocol === 'TCP' ? 6 : 17,
    sourcePort: 50_000,
    destinationPort: port,
    ...change
  })
}

/** every length from an Ethernet header to a whole packet */
function cutPackets (world: World): Uint8Array[] {
  return [{}, { vlans: [{ id: 1 }] }, { ipv4Options: new Uint8Array(8) }]
    .flatMap((change) => world.comparisonServices.map((service) => packetTo(service, change)))
    .flatMap((packet) => Array.from({ length: packet.length - 13 }, (_, more) => packet.slice(0, 14 + more)))
}

/** packets whose transport checksum comes out as 0 when a backend's address replaces the service's */
function zeroChecksumPackets (world: World): Uint8Array[] {
  return world.comparisonServices.filter(({ empty }) => empty !== true).map((service) => {
    const rewritten = modelBalancer(world, packetTo(service, { payload: new Uint8Array(2) })).bytes
    const checksum = parsePacket(rewritten).transport?.checksum ?? 0
    return packetTo(service, { payload: Uint8Array.of(checksum >> 8, checksum & 0xff) })
  })
}

/** checksum fields that hold what nobody computed */
function oddChecksumPackets (world: World): Uint8Array[] {
  return [0, 1, 0xfffe, 0xffff].flatMap((value) => world.comparisonServices.map((service) => {
    const packet = packetTo(service)
    const { network, transport } = parsePacket(packet)
    packet.set([value >> 8, value & 0xff], (transport?.offset ?? 0) + (service.protocol === 'TCP' ? 16 : 6))
    if (network?.family === 4) packet.set([value >> 8, value & 0xff], network.offset + 10)
    return packet
  }))
}

/** every flow of the vectors, through a program with the tables they were computed with: each flow has a service of its own */
function compareVectors (suite: Suite, layout: DatapathLayout): void {
  for (const m of new Set(vectors.flows.map((flow) => flow.m))) {
    const flows = vectors.flows.filter((flow) => flow.m === m)
    const balancer = loadBalancer(suite.bpf, layout, m)
    flows.forEach((flow, index) => createVectorService(balancer, flow, index))
    flows.forEach((flow, index) => {
      const destination = vectorAddress(flow, index)
      const { sourcePort, destinationPort, protocol } = flow
      const found = balancer.run(buildPacket({ source: address(flow.source), destination, sourcePort, destinationPort, protocol }))
      const { network, transport } = parsePacket(found.data)
      const reached = formatAddress(network?.destination ?? destination)
      const chosen = vectorBackends(flow.family, flow.n)
        .find(({ address, port }) => address === reached && port === transport?.destinationPort)
      suite.same([found.retval, chosen?.id], [3, flow.backendId], `${layout} vector ${JSON.stringify(flow)}`)
    })
    balancer.object.close()
  }
}

function vectorAddress ({ family }: FlowVector, index: number): Uint8Array {
  return address(family === 4 ? `172.20.0.${index}` : `fd00:20::${index}`)
}

function createVectorService (balancer: KernelBalancer, flow: FlowVector, index: number): void {
  const { family, n, m, protocol, destinationPort } = flow
  const revNatId = index + 1
  const backends = vectorBackends(flow.family, flow.n)
  for (const { id, address: text, port } of backends) {
    const backend = encodeBackendValue({ address: address(text), port, protocol: 6, flags: 0, clusterId: 0, zone: 0 })
    balancer.update(mapNames.backends[family], encodeU32(id), backend)
  }
  const key = encodeServiceKey({ address: vectorAddress(flow, index), port: destinationPort, slot: 0, protocol, scope: 0 })
  const frontend = { word: frontendWord(2), count: n, revNatId, flags: 0, flags2: 0, quarantinedCount: 0 }
  balancer.update(mapNames.services[family], key, encodeServiceValue(frontend))
  balancer.setTable(mapNames.maglev[family], encodeRevNatId(revNatId), buildTable(m, backends, defaultSeed(), '1.17+')?.ids ?? new Uint32Array(m))
}

/** generated flows to the world's services through programs of these layouts */
function compareFlows (suite: Suite, world: World, layouts: readonly DatapathLayout[], m: number, flows: number): void {
  const balancers = layouts.map((layout) => {
    const balancer = loadBalancer(suite.bpf, layout, m)
    fillMaps(world, balancer)
    return balancer
  })
  const generator = createTrafficGenerator({ seed, targets: world.comparisonServices.filter(({ empty }) => empty !== true) })
  const into = new Uint8Array(generator.maximumLength)
  for (let flow = 0; flow < flows; flow++) {
    const packet = into.slice(0, generator.next(into, 0))
    const wanted = modelBalancer(world, packet)
    balancers.forEach((balancer, index) => {
      const found = balancer.run(packet)
      suite.same([found.retval, hex(found.data)], [wanted.verdict, hex(wanted.bytes)], `${layouts[index]} of ${m}, flow ${flow}: ${hex(packet)}`)
    })
  }
  for (const { object } of balancers) object.close()
}

function address (text: string): Uint8Array {
  return parseAddress(text) ?? new Uint8Array(4)
}
