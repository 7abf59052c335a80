// /metrics for Prometheus: requests by route, packets through nodes, runs by state, event-loop delay, and how full every BPF
// map of every node is (under the name and labels that Cilium's agent uses for the same thing).

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { Type } from 'typebox'
import type { Simulator } from '../../lib/sim/types.ts'
import { answer } from '../../routes/support/answers.ts'
import type { PacketCounter } from '../../routes/support/context.ts'
import type { RunManager } from '../runs/manager.ts'

interface MetricsOptions {
  readonly sim: Simulator
  readonly runs: RunManager
}

async function metricsPlugin (app: FastifyInstance, { sim, runs }: MetricsOptions): Promise<void> {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })

  const requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers
  })
  const packets = new Counter({
    name: 'maglev_sim_lookup_packets_total', help: 'Packets that lookups have put through nodes.', labelNames: ['node', 'verdict'] as const, registers
  })
  gauge('maglev_sim_revision', 'Revision of the desired state.', [], (set) => set({}, sim.revision()))
  gauge('maglev_sim_services', 'Services of the desired state.', [], (set) => set({}, sim.listServices().length))
  gauge('maglev_sim_runs', 'Runs by state.', ['state'], (set) => {
    for (const [state, count] of Object.entries(runs.counts())) set({ state }, count)
  })
  gauge('maglev_sim_bpf_map_pressure', 'Entries of a BPF hash map divided by its capacity.', ['node', 'map_name'], (set) => {
    for (const { node, map } of mapsOf(sim)) {
      // an array is always full
      if (map.type.includes('hash')) set({ node, map_name: map.fullName }, map.entries / map.max_entries)
    }
  })
  gauge('maglev_sim_bpf_map_memlock_bytes', 'Memory of the BPF maps of a name as the kernel accounts it.', ['node', 'map_name'], (set) => {
    // the tables of all services are maps of one name
    const sums = new Map<string, { node: string, name: string, bytes: number }>()
    for (const { node, map } of mapsOf(sim)) {
      const key = `${node} ${map.fullName}`
      sums.set(key, { node, name: map.fullName, bytes: (sums.get(key)?.bytes ?? 0) + map.bytes_memlock })
    }
    for (const { node, name, bytes } of sums.values()) set({ node, map_name: name }, bytes)
  })
  gauge('maglev_sim_node_memlock_bytes', 'Memory of all BPF maps of a node as the kernel accounts it.', ['node'], (set) => {
    for (const { name, memory } of sim.listNodes()) set({ node: name }, memory.memlockBytes)
  })

  type Collect<L extends string> = (set: (labels: Record<L, string>, value: number) => void) => void

  function gauge <L extends string> (name: string, help: string, labelNames: L[], collect: Collect<L>): Gauge<L> {
    return new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect () {
        // what is gone must not be told any more
        this.reset()
        collect((labels, value) => this.set(labels, value))
      }
    })
  }

  app.addHook('onResponse', async (request, reply) => {
    // the pattern and not the address: there are few patterns
    const route = request.routeOptions.url ?? 'none'
    requests.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000)
  })

  app.decorate('packetCounter', packets)

  app.get('/metrics', {
    config: { anyFormat: true, alwaysAnswered: true },
    schema: {
      operationId: 'getMetrics',
      tags: ['service'],
      summary: 'Metrics for Prometheus',
      response: { 200: answer('Metrics.', { 'text/plain': Type.String({ description: 'Prometheus\' text format.' }) }) }
    }
  }, async (_request, reply) => reply.header('cache-control', 'no-store').type(registry.contentType).send(await registry.metrics()))
}

export const metrics = fp(metricsPlugin, { name: 'metrics', fastify: '5.x' })

function * mapsOf (sim: Simulator): Generator<{ node: string, map: ReturnType<Simulator['listMaps']>[number] }> {
  for (const { name: node } of sim.listNodes()) for (const map of sim.listMaps(node)) yield { node, map }
}

declare module 'fastify' {
  interface FastifyInstance {
    readonly packetCounter: PacketCounter
  }
}
