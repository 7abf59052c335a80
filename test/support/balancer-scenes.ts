// Sequences of packets and of changes to the maps, made from a seed, for machines with memory: connections begin, go on and end, backends
// answer, drain, go and come back, fragments and errors about packets arrive. Whoever has a machine, kernel or emulator, hands in how to
// write its maps; what should come out is the model's to say.

import {
  affinityMatchMapName, encodeAffinityMatchKey, encodeBackendValue, encodePresence, encodeReverseNatValue, encodeRevNatId,
  encodeServiceKey, encodeServiceValue, encodeSourceRangeKey, encodeU32, frontendWord, mapNames
} from '../../lib/datapath/index.ts'
import { buildTable, defaultSeed } from '../../lib/maglev/index.ts'
import { formatAddress } from '../../lib/packet/index.ts'
import type { Random } from '../../lib/traffic/random.ts'
import type { ModelBackend, ModelService, ModelWorld } from './balancer-model.ts'
import { bytesOf, familyOf } from './balancer-world.ts'
import type { WorldMaps } from './balancer-world.ts'

export interface SceneMaps extends WorldMaps {
  remove (map: string, key: Uint8Array): void
}

interface Plan {
  readonly address: string
  readonly port: number
  readonly protocol: 6 | 17 | 132
  readonly backends: number
  readonly traits?: Pick<ModelService, 'algorithm' | 'affinitySeconds' | 'rangesDeny' | 'proxy' | 'directReturn' | 'routable'>
  /** prefixes of clients */
  readonly ranges?: readonly string[]
  /** of the backends only so many, the first, are there for packets from outside; all of them for pods */
  readonly outside?: number
  /** backends listen on the service's port */
  readonly samePort?: boolean
}

const plans: readonly Plan[] = [
  { address: '172.20.0.1', port: 80, protocol: 6, backends: 5 },
  { address: '172.20.0.1', port: 53, protocol: 17, backends: 3 },
  { address: '172.20.0.1', port: 9899, protocol: 132, backends: 3 },
  { address: '172.20.0.2', port: 443, protocol: 6, backends: 6, traits: { affinitySeconds: 3000 } },
  { address: '172.20.0.3', port: 443, protocol: 6, backends: 3, ranges: ['198.51.100.0/25', '198.51.100.192/27'] },
  { address: '172.20.0.4', port: 443, protocol: 17, backends: 3, ranges: ['198.51.100.0/25', '198.51.100.200/32'], traits: { rangesDeny: true } },
  { address: '172.20.0.5', port: 80, protocol: 6, backends: 2, traits: { proxy: true } },
  { address: '172.20.0.6', port: 80, protocol: 6, backends: 0 },
  { address: '172.20.0.7', port: 80, protocol: 6, backends: 1, traits: { algorithm: 1, routable: false } },
  { address: '172.20.0.8', port: 80, protocol: 6, backends: 1, traits: { algorithm: 1 } },
  { address: '172.20.0.9', port: 80, protocol: 6, backends: 4, traits: { algorithm: 2, directReturn: true } },
  { address: '172.20.0.9', port: 81, protocol: 17, backends: 4, traits: { directReturn: true, affinitySeconds: 200 } },
  { address: 'fd00:20::1', port: 80, protocol: 6, backends: 4 },
  { address: 'fd00:20::1', port: 53, protocol: 17, backends: 3, traits: { affinitySeconds: 3000 } },
  { address: 'fd00:20::1', port: 9899, protocol: 132, backends: 2, samePort: true },
  { address: 'fd00:20::3', port: 443, protocol: 6, backends: 3, ranges: ['2001:db8::/64', '2001:db8:0:1::/80'] },
  { address: 'fd00:20::9', port: 80, protocol: 6, backends: 4, traits: { directReturn: true } },
  { address: '172.20.0.10', port: 80, protocol: 6, backends: 5, outside: 2 },
  { address: '172.20.0.10', port: 53, protocol: 17, backends: 4, outside: 2, traits: { affinitySeconds: 3000 } },
  { address: 'fd00:20::a', port: 80, protocol: 6, backends: 3, outside: 0 }
]

type State = 'active' | 'terminating' | 'gone'

interface Member {
  readonly backend: ModelBackend
  state: State
}

interface Actor {
  readonly plan: Plan
  readonly address: Uint8Array
  readonly revNatId: number
  /** of the entry for pods, where there is one */
  readonly innerRevNatId: number
  readonly members: Member[]
}

/** A cluster that changes. */
export class Scene {
  readonly #actors: readonly Actor[]
  readonly #m: number
  readonly #hasProtocolInKeys: boolean

  /** @param m size of every table. @param hasProtocolInKeys not before 1.17 */
  constructor (m: number, hasProtocolInKeys: boolean) {
    let ids = 1
    this.#m = m
    this.#hasProtocolInKeys = hasProtocolInKeys
    this.#actors = plans.map((plan, index) => ({
      plan,
      address: bytesOf(plan.address),
      revNatId: index + 1,
      innerRevNatId: plans.length + index + 1,
      members: Array.from({ length: plan.backends }, (_, at) => ({ backend: backendOf(plan, index, at, ids++), state: 'active' as const }))
    }))
  }

  world (): ModelWorld {
    const { jhash4, jhash6 } = defaultSeed()
    return {
      hashInit4Seed: jhash4,
      hashInit6Seed: jhash6,
      services: this.#actors.flatMap((actor) => this.#servicesOf(actor)),
      wildcards: [...new Set(plans.map(({ address }) => address))].map(bytesOf),
      backends: this.#actors.flatMap(({ members }) => members.filter(({ state }) => state !== 'gone')
        .map(({ backend, state }) => ({ ...backend, state: state === 'active' ? 0 : 1 })))
    }
  }

  fill (maps: SceneMaps): void {
    for (const actor of this.#actors) this.#write(actor, maps)
    for (const address of this.world().wildcards) {
      const value = encodeServiceValue({ word: 0, count: 0, revNatId: 0, flags: 0, flags2: 0, quarantinedCount: 0 })
      maps.update(mapNames.services[familyOf(address)], encodeServiceKey({ address, port: 0, slot: 0, protocol: 0, scope: 0 }), value)
    }
  }

  /** One backend drains, goes or comes back. */
  change (random: Random, machines: readonly SceneMaps[]): void {
    const able = this.#actors.filter(({ members }) => members.length > 1)
    const actor = able[random.below(able.length)]
    const member = actor?.members[random.below(actor.members.length)]
    if (actor === undefined || member === undefined) return
    const next: Record<State, State> = { active: random.below(2) === 0 ? 'terminating' : 'gone', terminating: random.below(2) === 0 ? 'active' : 'gone', gone: 'active' }
    member.state = next[member.state]
    for (const maps of machines) this.#write(actor, maps)
  }

  #write (actor: Actor, maps: SceneMaps): void {
    const { plan, address, members } = actor
    const family = familyOf(address)
    for (const { backend, state } of members) {
      if (state === 'gone') {
        maps.remove(mapNames.backends[family], encodeU32(backend.id))
        continue
      }
      const value = { ...backend, protocol: plan.protocol, flags: state === 'active' ? 0 : 1, clusterId: 0, zone: 0 }
      maps.update(mapNames.backends[family], encodeU32(backend.id), encodeBackendValue(value))
    }
    for (const service of this.#servicesOf(actor)) this.#writeService(actor, service, maps)
  }

  #writeService ({ plan, address, members }: Actor, service: ModelService, maps: SceneMaps): void {
    const family = familyOf(address)
    const { revNatId } = service
    for (const { backend: { id } } of members) {
      const match = encodeAffinityMatchKey({ backendId: id, revNatId })
      const belongs = service.affinitySeconds !== undefined && service.slots?.includes(id) === true
      if (belongs) maps.update(affinityMatchMapName, match, encodePresence())
      else maps.remove(affinityMatchMapName, match)
    }
    const scope = service.forPods === true ? 1 : 0
    const protocol = this.#hasProtocolInKeys ? plan.protocol : 0
    const key = (slot: number): Uint8Array => encodeServiceKey({ address, port: plan.port, slot, protocol, scope })
    const flags = flagsOf(service)
    const entry = { count: 0, revNatId, ...flags, quarantinedCount: 0 }
    service.slots?.forEach((id, slot) => {
      maps.update(mapNames.services[family], key(slot + 1), encodeServiceValue({ ...entry, word: id }))
    })
    for (let slot = (service.slots?.length ?? 0) + 1; slot <= members.length; slot++) maps.remove(mapNames.services[family], key(slot))
    const word = service.proxy === true ? 15_000 : frontendWord(service.algorithm ?? 0, service.affinitySeconds ?? 0)
    maps.update(mapNames.services[family], key(0), encodeServiceValue({ ...entry, count: service.count, word }))
    maps.update(mapNames.reverseNat[family], encodeRevNatId(revNatId), encodeReverseNatValue({ address, port: plan.port }))
    for (const range of service.ranges ?? []) {
      maps.update(mapNames.sourceRange[family], encodeSourceRangeKey({ revNatId, ...range }), encodePresence())
    }
    if (service.table !== null) maps.setTable(mapNames.maglev[family], encodeRevNatId(revNatId), service.table)
  }

  #servicesOf (actor: Actor): ModelService[] {
    const { plan: { outside }, revNatId, innerRevNatId, members } = actor
    if (outside === undefined) return [this.#serviceOf(actor, revNatId, members)]
    return [
      { ...this.#serviceOf(actor, revNatId, members.slice(0, outside)), twoScopes: true },
      { ...this.#serviceOf(actor, innerRevNatId, members), twoScopes: true, forPods: true }
    ]
  }

  #serviceOf ({ plan, address }: Actor, revNatId: number, members: readonly Member[]): ModelService {
    const { port, protocol, traits, ranges } = plan
    const inState = (state: State): Member[] => members.filter((member) => member.state === state)
    const serving = inState('active').length > 0 ? inState('active') : inState('terminating')
    const keyed = serving.map(({ backend: { id, address, port } }) => ({ id, address: formatAddress(address), port, protocol: 'TCP' as const, weight: 1 }))
    return {
      address,
      port,
      protocol,
      revNatId,
      count: serving.length,
      slots: [...serving, ...inState('terminating').filter((member) => !serving.includes(member))].map(({ backend }) => backend.id),
      table: buildTable(this.#m, keyed, defaultSeed(), '1.17+')?.ids ?? null,
      ...traits,
      ...(ranges === undefined ? {} : { ranges: ranges.map(rangeOf) })
    }
  }
}

function flagsOf (service: ModelService): { flags: number, flags2: number } {
  const { affinitySeconds, ranges, rangesDeny, proxy, directReturn, routable, twoScopes } = service
  return {
    flags: 32 | (routable === false ? 0 : 64) | (affinitySeconds === undefined ? 0 : 16) | (ranges === undefined ? 0 : 128),
    flags2: (proxy === true ? 4 : 0) | (twoScopes === true ? 32 : 0) | (rangesDeny === true ? 64 : 0) | (directReturn === true ? 128 : 0)
  }
}

function backendOf ({ address, port, samePort }: Plan, service: number, index: number, id: number): ModelBackend {
  const text = address.includes(':') ? `fd00:10:${service}::${(index + 1).toString(16)}` : `10.2.${service}.${index + 1}`
  return { id, address: bytesOf(text), port: samePort === true ? port : 8000 + index }
}

function rangeOf (text: string): { address: Uint8Array, bits: number } {
  const [address = '', bits = ''] = text.split('/')
  return { address: bytesOf(address), bits: Number(bits) }
}
