// How much desired state one simulator takes. Far above what Cilium's maps hold, far below what would exhaust a process.

export const limits = {
  services: 100_000,
  frontendsPerService: 10_000,
  backendsPerService: 65_536,
  frontends: 400_000,
  sourceRangesPerService: 10_000,
  nodeLabels: 200,
  nodeAddresses: 1_024,
  nameLength: 253,
  portNameLength: 253,
  sourceNameLength: 253,
  /** endpoints of one EndpointSlice document */
  endpointsPerSlice: 65_536,
  documents: 500_000,
  /** places listed in one refusal */
  places: 50
} as const
