// The numbers inside Cilium's load-balancer structs: service flags, backend states, algorithms, scopes, protocols.

export const serviceFlags = {
  externalIp: 1, nodePort: 2, externalLocalScope: 4, hostPort: 8, affinity: 16, loadBalancer: 32, routable: 64, sourceRange: 128
} as const

export const serviceFlags2 = {
  localRedirect: 1, nat46x64: 2, l7LoadBalancer: 4, loopback: 8, internalLocalScope: 16, twoScopes: 32, quarantined: 64, directReturn: 128
} as const

/** in the flags of a backend */
export const backendStateNumbers = { active: 0, terminating: 1, quarantined: 2, maintenance: 3 } as const

/** the upper byte of a frontend's first word; 0: the agent's default */
export const algorithmNumbers = { undefined: 0, random: 1, maglev: 2 } as const

export const scopeNumbers = { external: 0, internal: 1 } as const

/** IP protocol numbers; `ANY` with port 0 is the wildcard entry of an address */
export const protocolNumbers = { ANY: 0, TCP: 6, UDP: 17, SCTP: 132 } as const
