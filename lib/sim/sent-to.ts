// Which backend a packet was sent to, read from the packet after the program: its destination, which may be that of a packet around the
// client's, and its port, which in an ICMP error is inside. Where the packet has no port (around another packet, in later fragments),
// the address and the protocol say it.

import { endpointKey } from '../loadbalancer/index.ts'
import type { Protocol } from '../maglev/index.ts'
import { embeddedSource, formatAddress, parsePacket, portsOf, transportName } from '../packet/index.ts'
import type { EmulatedNode } from './node.ts'
import type { NodeLookup } from './types.ts'

/** @param asked the packet as it came, @param sent as it went out. @returns null for an address that is no backend's of this node */
export function sentTo ({ node }: Pick<EmulatedNode, 'node'>, asked: Uint8Array, sent: Uint8Array): NodeLookup['backend'] {
  const { network } = parsePacket(sent)
  if (network === null) return null
  const address = formatAddress(network.destination)
  const at = embeddedSource(sent) ?? destinationOf(sent)
  if (at !== null) {
    const found = node.backendAt(address, at.port, at.protocol)
    return found === undefined ? null : { id: found.id, address, port: at.port }
  }
  const flow = destinationOf(asked)
  const protocol = flow?.protocol ?? transportName(parsePacket(asked).network?.protocol ?? -1) ?? 'TCP'
  const found = candidates(node, asked, flow).find(({ backend }) => backend.address === address) ?? node.backendWith(address, protocol)
  return found === undefined ? null : { id: found.id, address, port: found.backend.port }
}

interface End {
  readonly port: number
  readonly protocol: Protocol
}

function destinationOf (packet: Uint8Array): End | null {
  const ports = portsOf(packet)
  const protocol = transportName(parsePacket(packet).network?.protocol ?? -1)
  return ports === null || protocol === undefined ? null : { port: ports.destination, protocol }
}

/** the backends of the frontend that the packet was for */
function candidates (node: EmulatedNode['node'], asked: Uint8Array, flow: End | null): ReturnType<EmulatedNode['node']['backendsOf']> {
  const { network } = parsePacket(asked)
  if (network === null || flow === null) return []
  const frontend = node.frontend(endpointKey({ address: formatAddress(network.destination), ...flow }))
  return frontend === undefined ? [] : node.backendsOf(frontend)
}
