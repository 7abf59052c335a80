export * from './flags.ts'
export * from './objects.ts'
export * from './reasons.ts'
export * from './structs.ts'
