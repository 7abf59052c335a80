// Frontends of a list -> services of the desired state. A list is what one agent made of them, so some things are undone: copies of a
// NodePort on the node's addresses go back into the one that stands for them, and ports of a service whose backends differ get names, by
// which frontends and backends find each other.

import { normaliseService } from '../normalise.ts'
import type { BackendInput, FrontendInput } from '../normalise.ts'
import { done, refuse } from '../errors.ts'
import type { LbPlace, LbResult } from '../errors.ts'
import { endpointKey, familyOf, frontendKey, isSurrogate, namesOf, serviceKey, surrogateAddress } from '../service.ts'
import type { FrontendKey, Service } from '../service.ts'
import type { Steps } from '../steps.ts'
import type { ServiceTraits } from '../traits.ts'
import type { Protocol } from '../../maglev/index.ts'
import type { DumpedBackend, DumpedFrontend } from './frontends.ts'
import type { LeftOut } from './service-list.ts'

export interface DumpedServices {
  readonly services: ReadonlyArray<{ readonly service: Service, readonly pointer: string }>
  /** of the machine that the list is from, as far as its NodePorts tell them */
  readonly nodeAddresses: readonly string[]
  /** frontends by revNAT id, in the order in which that machine came to them */
  readonly order: readonly FrontendKey[]
  readonly leftOut: readonly LeftOut[]
  /** of services that are taken over: what they ask for that is not */
  readonly lost: readonly LeftOut[]
}

/** namespace of services from lists without names */
export const NAMELESS_NAMESPACE = 'dump'

type Resolved = Omit<DumpedFrontend, 'protocol' | 'backends'> & {
  readonly protocol: Protocol
  readonly backends: ReadonlyArray<DumpedBackend & { readonly protocol: Protocol }>
}

/** Pauses after every service. */
export function * servicesOf (frontends: readonly DumpedFrontend[]): Steps<LbResult<DumpedServices>> {
  const resolved = frontends.map(withProtocols)
  const twice = repeated(resolved)
  if (twice !== null) return refuse('INVALID_DOCUMENT', twice.detail, { places: [twice] })
  const { kept, nodeAddresses } = withoutCopies(resolved)
  const groups = new Map<string, Resolved[]>()
  for (const frontend of kept) {
    const name = serviceKey(frontend.service ?? namelessService(frontend))
    const known = groups.get(name)
    if (known === undefined) groups.set(name, [frontend])
    else known.push(frontend)
  }
  const services: DumpedServices['services'][number][] = []
  const leftOut: LeftOut[] = []
  const lost: LeftOut[] = []
  for (const [key, group] of groups) {
    yield
    const made = serviceOf(key, group, leftOut)
    if (!made.ok) return made
    const pointer = group[0]?.pointer ?? ''
    services.push({ service: made.value, pointer })
    // frontends of a service mostly say the same
    const reasons = new Set(group.flatMap(frontend => frontend.lost))
    for (const reason of reasons) lost.push({ pointer, name: key, reason })
  }
  const order = [...kept].sort((one, other) => (one.id ?? 0) - (other.id ?? 0)).map(frontendKey)
  return done({ services, nodeAddresses, order, leftOut, lost })
}

/** Where no protocol is told a frontend has that of its backends, TCP where these tell none either, and backends that of their frontend. */
function withProtocols (frontend: DumpedFrontend): Resolved {
  const protocol = frontend.protocol ?? frontend.backends.find(backend => backend.protocol !== null)?.protocol ?? 'TCP'
  return { ...frontend, protocol, backends: frontend.backends.map(backend => ({ ...backend, protocol: backend.protocol ?? protocol })) }
}

function repeated (frontends: readonly Resolved[]): LbPlace | null {
  const seen = new Map<FrontendKey, Resolved>()
  for (const frontend of frontends) {
    const first = seen.get(frontendKey(frontend))
    if (first !== undefined) return { pointer: frontend.pointer, detail: `${frontend.place}: this frontend stands at ${first.place} already` }
    seen.set(frontendKey(frontend), frontend)
  }
  return null
}

function withoutCopies (frontends: readonly Resolved[]): { kept: Resolved[], nodeAddresses: string[] } {
  const standing = new Set(frontends.filter(({ type, address }) => type === 'NodePort' && isSurrogate(address)).map(frontendKey))
  const addresses = new Set<string>()
  const kept = frontends.filter(frontend => {
    if (frontend.type !== 'NodePort' || isSurrogate(frontend.address)) return true
    if (!standing.has(frontendKey({ ...frontend, address: surrogateAddress(familyOf(frontend.address)) }))) return true
    addresses.add(frontend.address)
    return false
  })
  return { kept, nodeAddresses: [...addresses] }
}

function namelessService ({ address, port, protocol, scope }: Resolved): { namespace: string, name: string } {
  const host = address.includes(':') ? `v6-${address.replaceAll(':', '-')}` : address
  return { namespace: NAMELESS_NAMESPACE, name: `${host}-${port}-${protocol.toLowerCase()}${scope === 'internal' ? '-internal' : ''}` }
}

function serviceOf (key: string, group: readonly Resolved[], leftOut: LeftOut[]): LbResult<Service> {
  const { namespace, name } = namesOf(key)
  const nameOf = portNames(group)
  const frontends: FrontendInput[] = []
  const backends = new Map<string, BackendInput>()
  const states = new Map<string, DumpedBackend>()
  for (const frontend of group) {
    const { address, port, protocol, type, scope } = frontend
    const portName = nameOf(frontend)
    frontends.push({ address, port, protocol, type, ...portName, ...(scope === 'internal' ? { scope } : {}) })
    for (const backend of frontend.backends) {
      const endpoint = endpointKey(backend)
      if (backend.protocol !== protocol || familyOf(backend.address) !== familyOf(address)) {
        leftOut.push({ pointer: frontend.pointer, name: key, reason: `${backend.address}:${backend.port} is of another protocol or address family than its frontend` })
        continue
      }
      // one backend has one weight and one state, whichever frontends it serves
      const { state, weight } = states.get(endpoint) ?? backend
      if (state !== backend.state || weight !== backend.weight) {
        leftOut.push({ pointer: frontend.pointer, name: key, reason: `${backend.address}:${backend.port} has another state or weight than at its first frontend, which holds` })
      }
      states.set(endpoint, { ...backend, state, weight })
      backends.set(`${endpoint} ${portName.portName ?? ''}`, { ...backend, state, weight, ...portName })
    }
  }
  const traits: ServiceTraits = Object.assign({}, ...group.map(frontend => frontend.traits))
  const made = normaliseService({ namespace, name, frontends, backends: [...backends.values()], ...traits }, 'dump')
  if (made.ok) return made
  const pointer = group[0]?.pointer ?? ''
  const places = made.error.places.map(({ detail }) => ({ pointer, detail: `${group[0]?.place ?? ''}: service ${key}: ${detail}` }))
  return refuse(made.error.code, places[0]?.detail ?? made.error.message, { places })
}

/** Names for ports whose backends differ; none where all frontends have the same. */
function portNames (group: readonly Resolved[]): (frontend: Resolved) => { portName?: string } {
  const setOf = ({ backends }: Resolved): string => backends.map(endpointKey).sort().join()
  // the families of one port share its name
  const perFamily = ([4, 6] as const).map(family => new Set(group.filter(({ address }) => familyOf(address) === family).map(setOf)))
  if (perFamily.every(sets => sets.size <= 1)) return () => ({})
  const names = new Map<string, string>()
  const taken = new Set<string>()
  for (const frontend of group) {
    const set = setOf(frontend)
    if (names.has(set)) continue
    const base = `${frontend.protocol.toLowerCase()}-${frontend.port}`
    let name = base
    for (let number = 2; taken.has(`${familyOf(frontend.address)} ${name}`); number++) name = `${base}-${number}`
    taken.add(`${familyOf(frontend.address)} ${name}`)
    names.set(set, name)
  }
  return frontend => {
    const portName = names.get(setOf(frontend))
    return portName === undefined ? {} : { portName }
  }
}
