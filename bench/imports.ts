// `npm run bench -- --imports`: a large cluster through REST, as a JSON List and as YAML, on the two nodes that exist from the start;
// then a rolling restart of some of its services, one update after the other.

import { performance } from 'node:perf_hooks'
import { stringify } from 'yaml'
import { startServer } from '../src/server.ts'
import { median } from '../src/benchmark/median.ts'

export interface ImportScale {
  readonly services: number
  readonly backendsPerService: number
  /** services whose endpoints are all replaced, one by one */
  readonly restarted: number
}

export interface ImportRow {
  readonly form: 'json' | 'yaml'
  readonly type: 'ClusterIP' | 'LoadBalancer'
  readonly megabytes: number
  readonly seconds: number
  readonly frontends: number
  readonly tables: number
}

export interface RestartRow {
  readonly updates: number
  readonly seconds: number
  readonly medianMs: number
  readonly longestMs: number
}

export interface ImportBenchResult {
  readonly scale: ImportScale
  readonly imports: readonly ImportRow[]
  readonly restart: RestartRow
}

const nodes = ['cilium', 'dynamic'] as const
const contentTypes = { json: 'application/json', yaml: 'application/yaml' } as const

export async function runImportBench (scale: ImportScale): Promise<ImportBenchResult> {
  const imports: ImportRow[] = []
  let restart: RestartRow | null = null
  for (const [form, type] of [['json', 'ClusterIP'], ['json', 'LoadBalancer'], ['yaml', 'LoadBalancer']] as const) {
    const server = await startServer({ host: '127.0.0.1', port: 0, logLevel: 'silent' })
    try {
      await raiseMapSizes(server.url, scale)
      const items = clusterOf(scale, type)
      const body = form === 'json'
        ? JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
        : items.map(item => stringify(item)).join('---\n')
      const started = performance.now()
      await send(server.url, body, form)
      const seconds = (performance.now() - started) / 1e3
      const { counts } = await (await fetch(`${server.url}/v1/nodes/cilium`)).json() as { counts: { frontends: number, tables: number } }
      imports.push({ form, type, megabytes: body.length / 1e6, seconds, frontends: counts.frontends, tables: counts.tables })
      if (form === 'json' && type === 'LoadBalancer') restart = await rollingRestart(server.url, scale)
    } finally {
      await server.close()
    }
  }
  return { scale, imports, restart: restart as RestartRow }
}

export function describeImports ({ scale, imports, restart }: ImportBenchResult): string {
  const { services, backendsPerService } = scale
  return [
    `${services} services with ${services * backendsPerService} backends on nodes ${nodes.join(' and ')}`,
    ...imports.map(({ form, type, megabytes, seconds, frontends, tables }) =>
      `${form} ${type.padEnd(12)} ${megabytes.toFixed(1).padStart(5)} MB  ${seconds.toFixed(2).padStart(6)} s  ${frontends} frontends, ${tables} tables each`),
    `rolling restart of ${scale.restarted} services: ${restart.updates} updates in ${restart.seconds.toFixed(2)} s, ` +
      `median ${restart.medianMs.toFixed(1)} ms, longest ${restart.longestMs.toFixed(1)} ms`,
    ''
  ].join('\n')
}

/** Entries of the services map: a frontend and its slots, and the wildcard entry of its address; two frontends a service. */
async function raiseMapSizes (url: string, { services, backendsPerService }: ImportScale): Promise<void> {
  const needed = services * 2 * (backendsPerService + 2)
  const mapSizes = {
    services: Math.max(65_536, 2 ** Math.ceil(Math.log2(needed))),
    backends: Math.max(65_536, 2 * services * backendsPerService)
  }
  for (const node of nodes) {
    const answer = await fetch(`${url}/v1/nodes/${node}`, {
      method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json', 'if-match': '*' }, body: JSON.stringify({ mapSizes })
    })
    if (!answer.ok) throw new Error(await answer.text())
  }
}

async function send (url: string, body: string, form: 'json' | 'yaml'): Promise<void> {
  const answer = await fetch(`${url}/v1/imports`, { method: 'POST', headers: { 'content-type': contentTypes[form] }, body })
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
}

async function rollingRestart (url: string, { restarted, backendsPerService }: ImportScale): Promise<RestartRow> {
  const durations: number[] = []
  for (let service = 0; service < restarted; service++) {
    for (let replaced = 1; replaced <= backendsPerService; replaced++) {
      const body = JSON.stringify(sliceOf(service, backendsPerService, replaced))
      const started = performance.now()
      await send(url, body, 'json')
      durations.push(performance.now() - started)
    }
  }
  const totalMs = durations.reduce((sum, ms) => sum + ms, 0)
  return { updates: durations.length, seconds: totalMs / 1e3, medianMs: median(durations), longestMs: Math.max(...durations) }
}

function clusterOf ({ services, backendsPerService }: ImportScale, type: ImportRow['type']): object[] {
  return Array.from({ length: services }, (_, index) => [serviceOf(index, type), sliceOf(index, backendsPerService, 0)]).flat()
}

const octets = (first: number, number: number): string => `${first + (number >> 16)}.${number >> 8 & 0xff}.${number & 0xff}`

function serviceOf (index: number, type: ImportRow['type']): object {
  const clusterIP = `10.${octets(96, index)}`
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `service-${index}`, namespace: 'bench', uid: uid(index), creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      type,
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ['IPv4'],
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }],
      selector: { app: `service-${index}` }
    },
    ...(type === 'ClusterIP' ? {} : { status: { loadBalancer: { ingress: [{ ip: `172.${octets(16, index)}` }] } } })
  }
}

/** @param replaced the first so many endpoints have been replaced by others */
function sliceOf (index: number, backends: number, replaced: number): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `service-${index}-abcde`, namespace: 'bench', uid: uid(index), labels: { 'kubernetes.io/service-name': `service-${index}` } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: Array.from({ length: backends }, (_, backend) => ({
      addresses: [`10.${octets(backend < replaced ? 224 : 192, index * backends + backend)}`],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `worker-${backend}`,
      zone: `zone-${backend % 3}`,
      targetRef: { kind: 'Pod', name: `service-${index}-${backend}`, namespace: 'bench', uid: uid(backend) }
    }))
  }
}

const uid = (number: number): string => `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`
