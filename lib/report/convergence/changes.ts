// The changes that the report is about, made on a rehearsal: what is counted is what a node's own planner would write for them.

import { done, familyOf, serviceKey } from '../../loadbalancer/index.ts'
import type { Backend, Frontend, LbResult, Rehearsal, Service, Steps } from '../../loadbalancer/index.ts'
import type { Family } from '../../maglev/index.ts'
import type { AgentEvent } from './costs.ts'

/** Endpoint events of one backend that is replaced: 1 in one update; 2 the new one comes, the old one goes; 3 it terminates in between. */
export type EventsPerBackend = 1 | 2 | 3

export interface Restart {
  readonly events: readonly AgentEvent[]
  /** backends that were replaced on the rehearsal; the others are taken to be like them */
  readonly rehearsed: number
  readonly backends: number
}

/** frontends x backends that a restart may look at: about a second */
const restartWork = 2e7
const restartBackendsMax = 64

/** Every backend of a service is replaced, one after the other; where there are too many, some spread evenly over the slots. */
export function * rollingRestart (rehearsal: Rehearsal, service: Service, eventsPerBackend: EventsPerBackend): Steps<LbResult<Restart>> {
  const addresses = backendAddresses(service)
  const workOfEvent = service.frontends.length * service.backends.length + 1
  const affordable = Math.max(1, Math.min(restartBackendsMax, Math.floor(restartWork / (workOfEvent * eventsPerBackend))))
  const chosen = spread(addresses, affordable)
  const events: AgentEvent[] = []
  let now = service
  for (const [index, { one: address, standsFor }] of chosen.entries()) {
    for (const next of replacing(now, address, index, eventsPerBackend)) {
      const counts = yield * rehearsal.change([next])
      if (!counts.ok) return counts
      events.push({ counts: counts.value, times: standsFor })
      now = next
    }
  }
  return done({ events, rehearsed: chosen.length, backends: addresses.length })
}

/** One backend of each of these services is replaced by another, all in one change. */
export function * oneBackendOfEach (rehearsal: Rehearsal, services: readonly Service[]): Steps<LbResult<AgentEvent>> {
  const changed = services.flatMap((service, index) => {
    const [address] = backendAddresses(service)
    return address === undefined ? [] : replacing(service, address, index, 1)
  })
  const counts = yield * rehearsal.change(changed)
  return counts.ok ? done({ counts: counts.value, times: 1 }) : counts
}

/** A backend of a service is a machine or a pod: it serves several ports from one address. */
export function backendAddresses (service: Service): string[] {
  return [...new Set(service.backends.map(({ address }) => address))]
}

/** Services of a rehearsal by the tables that their restart writes, the most first. */
export function slowestToRestart (rehearsal: Rehearsal): Service[] {
  const tables = tablesByService(rehearsal)
  const weighed = [...rehearsal.services()].map((service) => {
    const key = serviceKey(service)
    return { service, key, writes: (tables.get(key) ?? 0) * backendAddresses(service).length }
  })
  return weighed
    .sort((a, b) => b.writes - a.writes || (a.key < b.key ? -1 : 1))
    .map(({ service }) => service)
}

/** tables that each service has on the node */
export function tablesByService ({ node }: Rehearsal): Map<string, number> {
  const tables = new Map<string, number>()
  for (const { service, table } of node.frontends()) if (table !== null) tables.set(service, (tables.get(service) ?? 0) + 1)
  return tables
}

function replacing (service: Service, address: string, number: number, events: EventsPerBackend): Service[] {
  const old = service.backends.filter((backend) => backend.address === address)
  const others = service.backends.filter((backend) => backend.address !== address)
  const fresh = old.map((backend): Backend => ({ ...backend, address: freshAddress(familyOf(address), number) }))
  const terminating = old.map((backend): Backend => ({ ...backend, state: 'terminating' }))
  const after = [...others, ...fresh]
  return [
    ...(events >= 2 ? [[...service.backends, ...fresh]] : []),
    ...(events === 3 ? [[...after, ...terminating]] : []),
    after
  ].map((backends) => ({ ...service, backends }))
}

/** out of the ranges for benchmarks and for documentation */
function freshAddress (family: Family, number: number): string {
  return family === 4
    ? `198.${18 + (number >>> 16 & 1)}.${number >>> 8 & 0xff}.${number & 0xff}`
    : `2001:db8:ffff::1:${(number & 0xffff).toString(16)}`
}

/** @returns as many as there may be, spread evenly, each with the number of those that it stands for */
function spread<T> (all: readonly T[], atMost: number): { readonly one: T, readonly standsFor: number }[] {
  const count = Math.min(all.length, atMost)
  const from = (index: number): number => Math.floor(index * all.length / count)
  return Array.from({ length: count }, (_, index) => ({ one: all[from(index)] as T, standsFor: from(index + 1) - from(index) }))
}

export interface Example {
  readonly ports: number
  /** its own address, and the others as the node's addresses */
  readonly frontendsPerPort: number
  readonly backends: number
}

export const exampleNamespace = 'example'

/** A service of type LoadBalancer with a NodePort for every port, each port with a backend port of its own, as media servers have. */
export function exampleService (name: string, number: number, { ports, frontendsPerPort, backends }: Example): Service {
  const portNames = Array.from({ length: ports }, (_, index) => `p${index}`)
  const frontends = portNames.flatMap((portName, index): Frontend[] => [
    { address: octets(172, 0x100000 + number + 1), port: 10_000 + index, protocol: 'TCP', type: 'LoadBalancer', portName },
    ...(frontendsPerPort > 1
      ? [{ address: '0.0.0.0', port: nodePortsFrom + number * ports + index, protocol: 'TCP', type: 'NodePort', portName } as const]
      : [])
  ])
  return {
    namespace: exampleNamespace,
    name,
    source: 'k8s',
    frontends,
    backends: Array.from({ length: backends }, (_, backend) => portNames.map((portName, index): Backend => ({
      address: octets(10, number * backends + backend + 1), port: 20_000 + index, protocol: 'TCP', weight: 100, state: 'active', portName
    }))).flat()
  }
}

/** of a node: as many as NodePort frontends are to have copies */
export const exampleNodeAddresses = (frontendsPerPort: number): string[] =>
  Array.from({ length: frontendsPerPort - 1 }, (_, index) => `192.0.2.${index + 1}`)

const nodePortsFrom = 1024

const octets = (base: number, value: number): string => `${base}.${value >>> 16 & 0xff}.${value >>> 8 & 0xff}.${value & 0xff}`
