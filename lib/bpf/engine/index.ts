export { trace } from './tracer.ts'
export type { AccessEvent, TraceInput, TraceResult, TraceStep } from './tracer.ts'
