// What a run of kind `benchmark` leaves: times, which are of one machine and one moment. A report quotes them by the run that measured
// them, so that the same run gives the same bytes.

import type { DatapathLayout, StepProbe } from '../../datapath/index.ts'

export interface BenchmarkResult {
  readonly kind: 'benchmark'
  /** when it began, ISO 8601 */
  readonly measuredAt: string
  readonly machine: BenchmarkMachine
  /** the services that were made, and of how many they stand for when those were too many */
  readonly mix: string
  readonly services: { readonly made: number, readonly of: number }
  /** all that is compared is measured once in each; figures are the medians */
  readonly rounds: number
  /** why nothing was measured in the kernel; null: it was */
  readonly withoutKernel: string | null
  /** ns of an empty program in a test run of the kernel; the others' times have it taken off, those of `lookups` and `steps` have not */
  readonly emptyNs: number | null
  readonly nodes: readonly BenchmarkNode[]
  /** the way from a hash to a backend id alone, in the kernel */
  readonly lookups: BenchmarkLookups | null
  /** single steps of it, in the kernel */
  readonly steps: BenchmarkSteps | null
}

export interface BenchmarkMachine {
  readonly cpu: string
  readonly cpus: number
  /** release of the running kernel */
  readonly kernel: string
  /** what that kernel does about indirect branches, in its own words; null where it does not say */
  readonly spectreV2: string | null
  /** version of Node.js */
  readonly node: string
}

export interface BenchmarkNode {
  readonly node: string
  readonly layout: DatapathLayout
  /** what the interpreter's program depends on beside the layout; the running kernel is as it is */
  readonly kernel: string
  readonly inlining: 'kernel' | 'never'
  readonly spectreMasking: boolean
  readonly rows: readonly BenchmarkRow[]
}

/** one flow to a service of one size, over and over */
export interface BenchmarkRow {
  readonly backends: number
  readonly m: number
  readonly instructions: number
  readonly interpreterNs: number
  /** of the running kernel, just-in-time compiled; null where it was not measured, and for nodes that are not as that kernel is */
  readonly kernelNs: number | null
  /** the kernel's verdict and bytes were the emulator's; null where there was no kernel */
  readonly sameAsKernel: boolean | null
}

export interface BenchmarkLookups {
  /** of all tables of rows `shared` */
  readonly m: number
  /** slots per backend by which M was chosen for each service of rows `perService` */
  readonly perBackend: number
  /** backends of the hot services */
  readonly hotBackends: { readonly small: number, readonly large: number }
  readonly rows: readonly BenchmarkLookup[]
  /** whether all rows `shared` picked the same over the runs of a round */
  readonly samePicks: boolean
}

export interface BenchmarkLookup {
  readonly layout: DatapathLayout
  /** one M for all services, or one for each: tables of another M pick otherwise */
  readonly tableSizes: 'shared' | 'perService'
  /** ns per run: one service again and again, the smallest and the largest; then all of them in turn, drawn at random */
  readonly hotSmallNs: number
  readonly hotLargeNs: number
  readonly mixNs: number
  /** of all rounds the quickest: what other work on the machine disturbed least */
  readonly mixLeastNs: number
  readonly memlockBytes: number
}

/** M of a row's tables, for people */
export const tableSizesText = (
  { tableSizes }: Pick<BenchmarkLookup, 'tableSizes'>, { m, perBackend }: Pick<BenchmarkLookups, 'm' | 'perBackend'>
): string => tableSizes === 'shared' ? `${m}` : `at least ${perBackend} N`

export interface BenchmarkSteps {
  /** ns per run, which takes the step `perRun` times */
  readonly rows: ReadonlyArray<{ readonly step: StepProbe, readonly ns: number }>
  readonly perRun: number
  /** the kernel came to what the emulator came to, in every one */
  readonly sameAsEmulator: boolean
}
