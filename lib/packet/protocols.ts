// Numbers in packet headers: ethertypes (IEEE 802), IP protocol and IPv6 extension header numbers (IANA).

export const etherTypes = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd, serviceVlan: 0x88a8 } as const

export const ipProtocols = {
  hopByHop: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  routing: 43,
  fragment: 44,
  esp: 50,
  authentication: 51,
  icmpv6: 58,
  noNextHeader: 59,
  destinationOptions: 60,
  sctp: 132
} as const

export const transportNumbers = { TCP: ipProtocols.tcp, UDP: ipProtocols.udp, SCTP: ipProtocols.sctp } as const
export type TransportName = keyof typeof transportNumbers

/** @returns the name of a transport protocol's number */
export function transportName (protocol: number): TransportName | undefined {
  return (Object.keys(transportNumbers) as TransportName[]).find((name) => transportNumbers[name] === protocol)
}

export const tcpFlags = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const
