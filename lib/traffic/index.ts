// Traffic: seeded flow populations and packet mixes.

export * from './comparison.ts'
export * from './generator.ts'
export * from './random.ts'
export * from './weights.ts'
