// What is measured: clusters, and the flows to them.

import { createTrafficGenerator } from '../../lib/traffic/index.ts'
import { parseAddress } from '../../lib/packet/index.ts'
import type { ServiceSpec, Simulator } from '../../lib/sim/types.ts'

export interface Workload {
  readonly name: string
  readonly services: number
  readonly flows: number
}

export const workloads: readonly Workload[] = [
  { name: 'hot flow', services: 1, flows: 1 },
  { name: '1 service', services: 1, flows: 100_000 },
  { name: '100 services', services: 100, flows: 100_000 }
]

const seed = 7

/** sizes as clusters have them: 70 % of 3 backends, 20 % of 10, 8 % of 40, 2 % of 160; one service has 160 */
const sizes = [160, ...Array<number>(70).fill(3), ...Array<number>(20).fill(10), ...Array<number>(8).fill(40), 160]

export function serviceNumber (index: number): ServiceSpec {
  return {
    namespace: 'bench',
    name: `s${index}`,
    frontends: [{ address: `172.20.0.${index + 1}`, port: 443, protocol: 'TCP', type: 'LoadBalancer' }],
    backends: Array.from({ length: sizes[index] ?? 3 }, (_, backend) => ({
      address: `10.${index}.0.${backend + 1}`, port: 8443, protocol: 'TCP', weight: 1, state: 'active'
    }))
  }
}

export function fillCluster (sim: Simulator, services: number): void {
  sim.putState({ nodeAddresses: [], services: Array.from({ length: services }, (_, index) => serviceNumber(index)) })
}

/** @returns the packets of the first `count` flows, round and round where the workload has fewer */
export function packetsOf (workload: Workload, count: number): Uint8Array[] {
  const generator = createTrafficGenerator({
    seed,
    targets: Array.from({ length: workload.services }, (_, index) => ({
      address: parseAddress(`172.20.0.${index + 1}`) as Uint8Array, port: 443, protocol: 'TCP'
    }))
  })
  const distinct = Array.from({ length: Math.min(count, workload.flows) }, () => {
    const packet = new Uint8Array(generator.maximumLength)
    return packet.slice(0, generator.next(packet, 0))
  })
  return Array.from({ length: count }, (_, index) => distinct[index % distinct.length] as Uint8Array)
}
