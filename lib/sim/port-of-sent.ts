// Where the backend's port is in a packet of a run that was sent to it, for the forms that the balancer's program gives it: translated,
// told by an option before its transport header, or inside another packet, where only the backend's address says its port.

import { parseAddress } from '../maglev/index.ts'
import { ipProtocols } from '../packet/index.ts'

export interface BackendPort {
  /** 4 or 16 bytes */
  readonly address: Uint8Array
  readonly port: number
}

export function backendPorts (backends: ReadonlyArray<{ readonly address: string, readonly port: number }>): BackendPort[] {
  return backends.flatMap(({ address, port }) => {
    const parsed = parseAddress(address)
    return parsed === null ? [] : [{ address: parsed.bytes, port }]
  })
}

const IPV4_IN_IPV4 = 4
const IPV6_IN_IPV6 = 41

/** @param ip where the IP header begins. @param backends that it may have gone to. @returns 0 for an address that is none of theirs */
export function portOfSent (view: DataView, ip: number, family: 4 | 6, backends: readonly BackendPort[]): number {
  if (family === 4) {
    if (view.getUint8(ip + 9) === IPV4_IN_IPV4) return portAt(view, ip + 16, backends)
    return view.getUint16(ip + (view.getUint8(ip) & 15) * 4 + 2)
  }
  const next = view.getUint8(ip + 6)
  if (next === IPV6_IN_IPV6) return portAt(view, ip + 24, backends)
  const options = next === ipProtocols.destinationOptions ? (view.getUint8(ip + 41) + 1) * 8 : 0
  return view.getUint16(ip + 40 + options + 2)
}

function portAt (view: DataView, at: number, backends: readonly BackendPort[]): number {
  for (const { address, port } of backends) {
    let same = 0
    while (same < address.length && view.getUint8(at + same) === address[same]) same++
    if (same === address.length) return port
  }
  return 0
}
