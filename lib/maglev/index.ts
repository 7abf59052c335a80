// Cilium's Maglev consistent hashing: from backends, seed and table size to the M backend ids of a table;
// and the tables of Katran and Envoy.

export * from './address.ts'
export * from './disruption.ts'
export * from './envoy.ts'
export * from './fill.ts'
export * from './katran.ts'
export * from './lookup3.ts'
export * from './murmur3.ts'
export * from './release.ts'
export * from './run-length.ts'
export * from './seed.ts'
export * from './states.ts'
export * from './table.ts'
export * from './table-sizes.ts'
export * from './warnings.ts'
export * from './xxh64.ts'
