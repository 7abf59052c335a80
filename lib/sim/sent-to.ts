// Which backend a packet was sent to, read from the packet after the program: its destination, which may be that of a packet around the
// client's. Where no port says more (around another packet, in later fragments and ICMP errors), the address does.

import { endpointKey } from '../loadbalancer/index.ts'
import { formatAddress, parsePacket, transportName } from '../packet/index.ts'
import type { EmulatedNode } from './node.ts'
import type { NodeLookup } from './types.ts'

/** @param asked the packet as it came, @param sent as it went out. @returns null for an address that is no backend's of this node */
export function sentTo ({ node }: Pick<EmulatedNode, 'node'>, asked: Uint8Array, sent: Uint8Array): NodeLookup['backend'] {
  const { network, transport } = parsePacket(sent)
  if (network === null) return null
  const address = formatAddress(network.destination)
  const protocol = transportName(network.protocol)
  if (transport !== null && protocol !== undefined) {
    const port = transport.destinationPort
    const found = node.backendAt(address, port, protocol)
    return found === undefined ? null : { id: found.id, address, port }
  }
  const found = candidates(node, asked).find(({ backend }) => backend.address === address) ?? node.backendWith(address)
  return found === undefined ? null : { id: found.id, address, port: found.backend.port }
}

function candidates (node: EmulatedNode['node'], asked: Uint8Array): ReturnType<EmulatedNode['node']['backendsOf']> {
  const { network, transport } = parsePacket(asked)
  const protocol = transportName(network?.protocol ?? -1)
  if (network === null || transport === null || protocol === undefined) return []
  const frontend = node.frontend(endpointKey({ address: formatAddress(network.destination), port: transport.destinationPort, protocol }))
  return frontend === undefined ? [] : node.backendsOf(frontend)
}
