export { trace } from './tracer.ts'
export type { TraceInput, TraceResult, TraceStep } from './tracer.ts'
