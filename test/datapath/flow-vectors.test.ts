// Flow lookups by the numbers that Cilium gives, through the program: up to 1.16, since 1.17, with session affinity; its own pinned session
// affinity case; and the shares of the reader of 1.9.0 to 1.9.6.

import t from 'tap'
import { createExecution } from '../../lib/bpf/core/index.ts'
import {
  encodeBackendValue, encodeRevNatId, encodeServiceKey, encodeServiceValue, encodeU32, frontendWord, mapNames
} from '../../lib/datapath/index.ts'
import type { LoadTimeConstants } from '../../lib/datapath/index.ts'
import { buildTable, defaultSeed } from '../../lib/maglev/index.ts'
import type { Release } from '../../lib/maglev/index.ts'
import { buildPacket, formatAddress, parsePacket } from '../../lib/packet/index.ts'
import { bytesOf } from '../support/balancer-world.ts'
import { emulateBalancer } from '../support/emulated-balancer.ts'
import { readFlowVectors, vectorBackends } from '../support/flow-vectors.ts'
import type { FlowVector, Pick } from '../support/flow-vectors.ts'
import { flowHash } from '../support/model-packets.ts'

const vectors = readFlowVectors()
const AFFINITY = 16

interface Service {
  readonly address: string
  readonly port: number
  readonly protocol: number
  readonly affinity: boolean
  readonly ids: Uint32Array
  readonly backends: ReadonlyArray<{ readonly id: number, readonly address: string, readonly port: number }>
}

/** @returns id of the backend that a packet from there reaches */
function balancerOf (services: readonly Service[], m: number, constants: Partial<LoadTimeConstants>) {
  const { datapath, maps } = emulateBalancer('dynamic', m, {}, constants)
  services.forEach(({ address, port, protocol, affinity, ids, backends }, index) => {
    const bytes = bytesOf(address)
    const family = bytes.length === 4 ? 4 : 6
    for (const { id, address: text, port: own } of backends) {
      const value = { address: bytesOf(text), port: own, protocol: 6, flags: 0, clusterId: 0, zone: 0 }
      maps.update(mapNames.backends[family], encodeU32(id), encodeBackendValue(value))
    }
    const flags = affinity ? AFFINITY : 0
    const word = frontendWord(0, affinity ? 60 : 0)
    const value = { word, count: backends.length, revNatId: index + 1, flags, flags2: 0, quarantinedCount: 0 }
    const key = encodeServiceKey({ address: bytes, port, slot: 0, protocol: constants.upTo116 === 1 ? 0 : protocol, scope: 0 })
    maps.update(mapNames.services[family], key, encodeServiceValue(value))
    maps.setTable(mapNames.maglev[family], encodeRevNatId(index + 1), ids)
  })
  const execution = createExecution(datapath.kernel.core, { cpu: 0, worker: 0 })
  return (service: Service, source: string, sourcePort: number): number | undefined => {
    const { address, port, protocol, backends } = service
    const packet = buildPacket({ source: bytesOf(source), destination: bytesOf(address), protocol, sourcePort, destinationPort: port })
    const { network, transport } = parsePacket(execution.run(datapath.program.image, packet).packet)
    const reached = formatAddress(network?.destination ?? bytesOf(address))
    return backends.find((backend) => backend.address === reached && backend.port === transport?.destinationPort)?.id
  }
}

function serviceOf ({ family, n, m, destinationPort, protocol }: FlowVector, index: number, release: Release, affinity: boolean): Service {
  const backends = vectorBackends(family, n)
  return {
    address: family === 4 ? `172.20.0.${index}` : `fd00:20::${index}`,
    port: destinationPort,
    protocol,
    affinity,
    backends,
    ids: buildTable(m, backends, defaultSeed(), release)?.ids ?? new Uint32Array(m)
  }
}

const columns = [
  { name: '1.17 and later', release: '1.17+', constants: {}, affinity: false, pick: (flow: FlowVector): Pick => flow },
  { name: 'up to 1.16', release: '1.13-1.16', constants: { upTo116: 1 }, affinity: false, pick: (flow: FlowVector): Pick => flow.before117 },
  { name: 'with session affinity', release: '1.17+', constants: {}, affinity: true, pick: (flow: FlowVector): Pick => flow.withAffinity }
] as const

for (const { name, release, constants, affinity, pick } of columns) {
  t.test(`flows, ${name}`, async (t) => {
    t.equal(vectors.flows.length, 41)
    for (const m of new Set(vectors.flows.map((flow) => flow.m))) {
      const flows = vectors.flows.filter((flow) => flow.m === m)
      const services = flows.map((flow, index) => serviceOf(flow, index, release, affinity))
      const reach = balancerOf(services, m, constants)
      flows.forEach((flow, index) => {
        const { hash, index: slot, backendId } = pick(flow)
        const service = services[index] as Service
        const source = bytesOf(flow.source)
        const seed = flow.family === 4 ? defaultSeed().jhash4 : defaultSeed().jhash6
        const sourcePort = affinity ? 0 : flow.sourcePort
        const hashed = flowHash(source, sourcePort, flow.destinationPort, flow.protocol, seed, 'upTo116' in constants)
        t.same([hashed, hashed % m, reach(service, flow.source, flow.sourcePort)], [hash, slot, backendId], JSON.stringify(flow))
      })
    }
  })
}

t.test('session affinity as Cilium pins it', async (t) => {
  const { hashInit4Seed, slots, destinationPort, protocol, cases } = vectors.sessionAffinity
  const backends = Array.from({ length: slots }, (_, index) => ({ id: index + 1, address: `10.0.0.${index + 1}`, port: 80 }))
  const ids = Uint32Array.from(backends, ({ id }) => id)
  const service: Service = { address: '172.20.0.1', port: destinationPort, protocol, affinity: true, ids, backends }
  const reach = balancerOf([service], 251, { hashInit4Seed })
  for (const { client, hash, backendId } of cases) {
    t.equal(flowHash(bytesOf(client), 0, destinationPort, protocol, hashInit4Seed), hash)
    t.equal(reach(service, client, 40_000), backendId, client)
  }
})

t.test('shares of backends by the reader of 1.9.0 to 1.9.6', async (t) => {
  const { jhash4 } = defaultSeed()
  for (const { m, n, correct, withDefect } of vectors.halfTable) {
    const backends = vectorBackends(4, n)
    const ids = buildTable(m, backends, defaultSeed(), '1.9-1.12')?.ids ?? new Uint32Array(m)
    const service: Service = { address: '172.20.0.1', port: 80, protocol: 6, affinity: false, ids, backends }
    for (const [halfTable, wanted] of [[0, correct], [1, withDefect]] as const) {
      const reach = balancerOf([service], m, { upTo116: 1, halfTable })
      const shares: Record<string, number> = {}
      const met = new Set<number>()
      for (let port = 1; met.size < m; port++) {
        const index = flowHash(bytesOf('192.0.2.1'), port, 80, 6, jhash4, true) % m
        if (met.has(index)) continue
        met.add(index)
        const id = String(reach(service, '192.0.2.1', port))
        shares[id] = (shares[id] ?? 0) + 1
      }
      t.same(shares, wanted, `M = ${m}, ${n} backends, ${halfTable === 1 ? 'with' : 'without'} the defect`)
    }
  }
})
