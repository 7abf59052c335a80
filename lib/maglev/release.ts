// Cilium release lines that share one Maglev behaviour: the string hashed per backend and whether weights count (they change together or
// alone at 1.13 and 1.17). Every table changes from 1.16 to 1.17, because the string does.

export const releases = ['1.9-1.12', '1.13-1.16', '1.17+'] as const

export type Release = typeof releases[number]

export const protocols = ['TCP', 'UDP', 'SCTP'] as const

export type Protocol = typeof protocols[number]

export interface KeyedBackend {
  /** canonical text */
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
}

/**
 * The string that is hashed and sorted on. `State:active` is a constant of Cilium, not the backend's state: nodes that have not yet heard
 * of a change would otherwise disagree.
 */
export function backendKey (backend: KeyedBackend, release: Release): string {
  if (release === '1.17+') return `[${hostPort(backend.address, backend.port)}/${backend.protocol},State:active]`
  // The older address type printed IPv4-mapped IPv6 as IPv4.
  return hostPort(backend.address.replace(/^::ffff:(?=\d+\.)/, ''), backend.port)
}

export function honoursWeights (release: Release): boolean {
  return release !== '1.9-1.12'
}

/** Up to 1.12 a service whose backends are all on their way out has none to offer. */
export function fallsBackToTerminating (release: Release): boolean {
  return release !== '1.9-1.12'
}

/**
 * Keys of services have the protocol, services say how many of their slots are of backends out of service, and addresses have an entry for
 * unknown ports.
 */
export function hasServiceFormOf117 (release: Release): boolean {
  return release === '1.17+'
}

/** Since 1.13 a backend in its map has the id of its cluster: four bytes more. */
export function hasClusterIds (release: Release): boolean {
  return release !== '1.9-1.12'
}

/** as keys and people have it: IPv6 in brackets */
export function hostPort (address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
