// A simulator for tests: the real one, with a clock that stands and randomness that repeats.

import { createSimulator } from '../../lib/sim/create-simulator.ts'
import type { SimulatorOptions } from '../../lib/sim/create-simulator.ts'
import type { BackendSpec, ServiceSpec, Simulator } from '../../lib/sim/types.ts'
import { testAssets } from './assets.ts'

export const testTime = Date.UTC(2026, 10, 23)

export function testSimulator (options: Partial<SimulatorOptions> = {}): Simulator {
  let state = 0x2545f491
  const random = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  return createSimulator({ assets: testAssets(), clock: () => testTime, random, ...options })
}

/** n backends 10.a.b.c:8080/TCP, a.b.c counting up from `first` */
export function someBackends (n: number, first = 0): BackendSpec[] {
  return Array.from({ length: n }, (_, index) => {
    const i = first + index
    return { address: `10.${i >> 16 & 255}.${i >> 8 & 255}.${i & 255}`, port: 8080, protocol: 'TCP', weight: 100, state: 'active' }
  })
}

export function someService (name: string, address: string, backends: readonly BackendSpec[], port = 443): ServiceSpec {
  return { namespace: 'default', name, frontends: [{ address, port, protocol: 'TCP', type: 'LoadBalancer' }], backends }
}
