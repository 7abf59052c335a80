// What else Cilium can be told today, beside M and the algorithm: each with what it would save on this node.

import { BPF_F_NO_PREALLOC } from '../../bpf/map/index.ts'
import { memlockBytes } from '../../bpf/map/memory.ts'
import { profileNamed } from '../convergence/costs.ts'
import type { ReportFrontend, ReportMap } from '../subject/source.ts'
import { isServiceMap } from '../subject/map-names.ts'
import type { NodeSettings } from '../../loadbalancer/index.ts'
import type { MapShape } from '../../bpf/map/memory.ts'

export interface Knob {
  /** Helm value or annotation */
  readonly name: string
  readonly now: string
  readonly suggested: string
  /** memlock that goes; null where it is not about bytes */
  readonly savedBytes: number | null
  readonly why: string
}

export interface KnobFacts {
  readonly settings: NodeSettings
  readonly maps: ReadonlyArray<{ readonly map: ReportMap, readonly entries: number }>
  /** of the cluster; empty for a mix */
  readonly frontends: readonly ReportFrontend[]
  readonly nodeAddresses: readonly string[]
  /** frontends whose table has one backend, and memlock of one such table */
  readonly single: { readonly frontends: number, readonly tableBytes: number }
}

export function knobs (facts: KnobFacts): Knob[] {
  return [...preallocation(facts), ...mapMax(facts), ...annotation(facts), ...addresses(facts), ...grace]
}

const bytesOf = ({ settings }: KnobFacts, map: ReportMap, entries: number, change: Partial<MapShape>): number =>
  memlockBytes(profileNamed(settings.kernel), {
    type: map.type as MapShape['type'],
    keySize: map.bytes_key,
    valueSize: map.bytes_value,
    maxEntries: map.max_entries,
    flags: map.flags,
    possibleCpus: settings.possibleCpus,
    elements: entries,
    ...change
  })

const sized = ({ maps }: KnobFacts): KnobFacts['maps'] =>
  maps.filter(({ map }) => isServiceMap(map) && (map.type === 'hash' || map.type === 'hash_of_maps' || map.type === 'lru_hash'))

/** LRU maps are preallocated in any case */
const hashes = (facts: KnobFacts): KnobFacts['maps'] => sized(facts).filter(({ map }) => map.type !== 'lru_hash')

function preallocation (facts: KnobFacts): Knob[] {
  if (!facts.settings.preallocateMaps) return []
  const savedBytes = hashes(facts).reduce((sum, { map, entries }) =>
    sum + bytesOf(facts, map, entries, {}) - bytesOf(facts, map, entries, { flags: map.flags | BPF_F_NO_PREALLOC }), 0)
  return [{ name: 'bpf.preallocateMaps', now: 'true', suggested: 'false', savedBytes, why: 'elements are allocated when they come, not for all that there could be' }]
}

/** least that is suggested: room for a small cluster to grow */
const smallestMapMax = 4096

/** Hash maps have their buckets from the start: twice the entries that are needed is room enough to grow. */
function mapMax (facts: KnobFacts): Knob[] {
  const { mapSizes } = facts.settings
  const now = Math.max(...Object.values(mapSizes))
  const needed = Math.max(0, ...hashes(facts).map(({ entries }) => entries))
  const suggested = Math.max(smallestMapMax, 2 ** Math.ceil(Math.log2(Math.max(1, 2 * needed))))
  if (suggested === now || (suggested < now && mapSizes.services !== now)) return []
  const after = sized(facts).reduce((sum, { map, entries }) => sum + bytesOf(facts, map, entries, { maxEntries: suggested }), 0)
  const before = sized(facts).reduce((sum, { map, entries }) => sum + bytesOf(facts, map, entries, {}), 0)
  return [{
    name: 'bpf.lbMapMax',
    now: String(now),
    suggested: String(suggested),
    savedBytes: before - after,
    why: needed > now
      ? `the fullest map needs ${needed} entries`
      : `the fullest map needs ${needed} entries, twice that is room to grow; for single maps there are bpf-lb-service-map-max, ` +
        'bpf-lb-service-backend-map-max, bpf-lb-rev-nat-map-max and bpf-lb-maglev-map-max'
  }]
}

/** One backend is picked whatever the algorithm. */
function annotation ({ single }: KnobFacts): Knob[] {
  return single.frontends === 0
    ? []
    : [{
        name: 'service.cilium.io/lb-algorithm',
        now: 'maglev',
        suggested: `random on ${single.frontends === 1 ? 'the frontend' : `the services of ${single.frontends} frontends`} with one backend`,
        savedBytes: single.frontends * single.tableBytes,
        why: 'one backend is picked whatever the algorithm; needs bpf.lbAlgorithmAnnotation: true, and is read only when the service is created'
      }]
}

/** NodePorts have a table for each address of the node. */
function addresses ({ nodeAddresses, frontends, maps }: KnobFacts): Knob[] {
  const byId = new Map(maps.map(({ map }) => [map.id, map]))
  const families = [4, 6].map((family) => nodeAddresses.filter((address) => address.includes(':') === (family === 6)))
  return families.filter((group) => group.length > 1).flatMap((group) => {
    const bytes = group.map((address) => frontends.filter((frontend) => frontend.address === address)
      .reduce((sum, { table }) => sum + (byId.get(table?.mapId ?? -1)?.bytes_memlock ?? 0), 0))
    const savedBytes = bytes.reduce((sum, one) => sum + one, 0) - Math.max(...bytes)
    return savedBytes === 0
      ? []
      : [{
          name: 'nodePort.addresses',
          now: group.join(', '),
          suggested: 'the one address that clients use',
          savedBytes,
          why: 'every NodePort has a table of its own at each address of the node'
        }]
  })
}

const grace: readonly Knob[] = [{
  name: 'kernel parameter rcupdate.rcu_expedited=1, or 1 in /sys/kernel/rcu_expedited',
  now: '0',
  suggested: '1 where restarts must be live sooner',
  savedBytes: null,
  why: 'each update of the outer map waits some 0.1 ms in place of 12 to 14; every grace period of the machine interrupts all CPUs then'
}]
