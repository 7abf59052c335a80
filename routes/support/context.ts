// What a route gets: the simulator, the jobs, a reader for documents too large for the event loop, and facts about the
// process. Routes own no state.

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { CacheLevel } from '../../lib/report/index.ts'
import type { Simulator } from '../../lib/sim/types.ts'
import type { RunService } from './runs.ts'

export interface About {
  readonly name: string
  readonly version: string
  /** of the source, where the build knows it */
  readonly commit: string | null
  readonly node: string
}

export interface DocumentReader {
  /**
   * The documents of an import: one of a JSON body (an array gives its elements), one for each of a YAML stream; of a text (`dump`) that
   * text, of an archive its files, JSON where it looks like it. Reads large bodies in a worker thread; throws a Problem with
   * line and column where the text is no JSON or YAML, with the name of the file where one of an archive cannot be read.
   */
  read (body: Buffer, format: 'json' | 'yaml' | 'dump'): Promise<ReadDocuments>
}

export interface ReadDocuments {
  readonly documents: readonly unknown[]
  /** of an archive the file that each stands in */
  readonly files?: readonly string[]
}

/** What was compared with a running kernel when this was built, and how much of it differed. */
export interface KernelParity {
  /** version */
  readonly kernel: string
  /** `2026-11-23` */
  readonly date: string
  readonly compared: number
  readonly differing: number
  readonly suites: ReadonlyArray<{ readonly suite: string, readonly compared: number, readonly differing: number }>
}

/** What the page at / is made of besides answers. */
export interface PageAssets {
  /** for browsers: a module, and a style sheet */
  readonly script: string
  readonly style: string
  /** examples/echo.yaml */
  readonly example: string
  readonly parity: KernelParity
}

/** What the process is up to, for /readyz. */
export interface Readiness {
  /** empty: ready */
  reasons (): readonly string[]
}

/** Counts packets that lookups have put through nodes. */
export interface PacketCounter {
  inc (labels: { readonly node: string, readonly verdict: string }): void
}

export interface RouteOptions {
  readonly sim: Simulator
  readonly runs: RunService
  readonly documents: DocumentReader
  readonly about: About
  readonly readiness: Readiness
  readonly packets: PacketCounter
  /** this machine's data caches; null where it does not tell */
  readonly caches: readonly CacheLevel[] | null
  readonly page: PageAssets
}

export type Route = FastifyPluginAsyncTypebox<RouteOptions>
