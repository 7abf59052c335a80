// Services that a mix is made of.

import type { ServiceSpec } from './types.ts'

/**
 * One TCP frontend of its own address each, as most services have; no two share a backend.
 * @param index of the service among those that are made, which gives its address
 * @param firstBackend number of its first backend, which gives their addresses: below 2^24 together
 */
export function mixService (index: number, backends: number, firstBackend = index << 16): ServiceSpec {
  const octets = (base: number, value: number): string => `${base}.${value >>> 16 & 0xff}.${value >>> 8 & 0xff}.${value & 0xff}`
  return {
    namespace: 'mix',
    name: `size-${backends}-${index}`,
    frontends: [{ address: octets(172, 0x100000 + index + 1), port: 443, protocol: 'TCP', type: 'LoadBalancer' }],
    backends: Array.from({ length: backends }, (_, backend) => ({
      address: octets(10, firstBackend + backend + 1), port: 8443, protocol: 'TCP', weight: 1, state: 'active'
    }))
  }
}
