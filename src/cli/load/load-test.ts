// The load test itself: some connections, each with one request in flight, for a bounded time. Latency is measured per
// request from the first byte sent to the last byte read, and kept in an HDR histogram.

import { build } from 'hdr-histogram-js'
import type { Histogram } from 'hdr-histogram-js'
import { Client } from 'undici'

export interface LoadSpec {
  readonly server: URL
  readonly connections: number
  readonly durationMs: number
  readonly bodies: readonly string[]
  readonly flowsPerRequest: number
  readonly signal?: AbortSignal
  /** called after every answer */
  readonly onAnswer?: (state: { elapsedMs: number, requests: number }) => void
}

export interface LoadResult {
  readonly durationMs: number
  /** answered with 200 */
  readonly requests: number
  /** flows in those answers; each went through every node */
  readonly packets: number
  readonly requestsPerSecond: number
  readonly packetsPerSecond: number
  readonly latencyMs: Readonly<Record<'mean' | 'p50' | 'p90' | 'p99' | 'p999' | 'max', number>>
  /** what went wrong -> how often: a status, or the code of a broken connection */
  readonly errors: Readonly<Record<string, number>>
  readonly bytesReceived: number
}

const path = '/v1/lookups'

export async function runLoad (spec: LoadSpec): Promise<LoadResult> {
  const tally = { requests: 0, bytesReceived: 0, errors: new Map<string, number>() }
  const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: 3 })
  const startedMs = performance.now()
  const open = (): boolean => performance.now() - startedMs < spec.durationMs && spec.signal?.aborted !== true
  const state = { next: 0 }
  const connection = async (): Promise<void> => {
    const client = new Client(spec.server.origin, { pipelining: 1 })
    // Reading every answer as JSON would load this process more than the service; the first of each connection is looked into.
    for (let first = true; open(); first = false) {
      const body = spec.bodies[state.next++ % spec.bodies.length] as string
      const problem = await oneRequest(client, body, histogram, tally, first ? spec.flowsPerRequest : null)
      if (problem === null) spec.onAnswer?.({ elapsedMs: performance.now() - startedMs, requests: tally.requests })
      else {
        tally.errors.set(problem, (tally.errors.get(problem) ?? 0) + 1)
        // A service that refuses at once would otherwise be hammered, and so would this machine.
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    await client.destroy()
  }
  await Promise.all(Array.from({ length: spec.connections }, connection))
  return summarise(performance.now() - startedMs, tally, histogram, spec.flowsPerRequest)
}

interface Tally { requests: number, bytesReceived: number, readonly errors: Map<string, number> }

/**
 * @param results how many results the answer must hold; null leaves it unread
 * @returns null, or what went wrong
 */
async function oneRequest (
  client: Client, body: string, histogram: Histogram, tally: Tally, results: number | null
): Promise<string | null> {
  const sentMs = performance.now()
  try {
    const response = await client.request({ method: 'POST', path, body, headers: { 'content-type': 'application/json', accept: 'application/json' } })
    const bytes = await response.body.bytes()
    if (response.statusCode !== 200) return `status ${response.statusCode}`
    const receivedMs = performance.now()
    if (results !== null && countResults(bytes) !== results) return 'wrong answer'
    histogram.recordValue(Math.max(1, Math.round((receivedMs - sentMs) * 1000)))
    tally.requests++
    tally.bytesReceived += bytes.length
    return null
  } catch (error) {
    return (error as { code?: string }).code ?? 'error'
  }
}

function countResults (bytes: Uint8Array): number {
  const answer = JSON.parse(new TextDecoder().decode(bytes)) as { results?: unknown }
  return Array.isArray(answer.results) ? answer.results.length : -1
}

function summarise (durationMs: number, tally: Tally, histogram: Histogram, flowsPerRequest: number): LoadResult {
  // a percentile is the upper end of its bucket, which may lie a little above the largest value
  const at = (percentile: number): number => Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue) / 1000
  const packets = tally.requests * flowsPerRequest
  return {
    durationMs: Math.round(durationMs),
    requests: tally.requests,
    packets,
    requestsPerSecond: tally.requests * 1000 / durationMs,
    packetsPerSecond: packets * 1000 / durationMs,
    latencyMs: { mean: histogram.mean / 1000, p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: histogram.maxValue / 1000 },
    errors: Object.fromEntries([...tally.errors].sort(([one], [other]) => one < other ? -1 : 1)),
    bytesReceived: tally.bytesReceived
  }
}
