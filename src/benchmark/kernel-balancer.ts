// An emulated node's balancer in the running kernel: the same object, the same maps with the same contents, copied from
// the node through its own queries.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findKind } from '../../lib/bpf/map/kinds.ts'
import { readObject } from '../../lib/bpf/object/index.ts'
import { decodeBackendValue, encodeBackendValue, mapNames, objectFile } from '../../lib/datapath/index.ts'
import type { DatapathLayout } from '../../lib/datapath/index.ts'
import type { MapView, Simulator } from '../../lib/sim/types.ts'
import { packageRoot } from '../cli/paths.ts'
import type { Bpf, KernelRun } from '../live-kernel/bpf.ts'
import { loadProgram } from '../live-kernel/load.ts'

export interface KernelBalancer {
  run (packet: Uint8Array, repeat: number): KernelRun
  /**
   * Gives every backend this address and port. The kernel repeats a test run on the packet that the run before rewrote:
   * only if the backend is where the packet was going already, every repetition is the same lookup.
   */
  backendsAt (address: Uint8Array, port: number): void
  close (): void
}

const BPF_F_RDONLY_PROG = 0x80
const isOuter = (map: MapView): boolean => map.type === 'hash_of_maps' || map.type === 'array_of_maps'
/** what programs fill is not copied */
const isCounter = (map: MapView): boolean => map.type === 'percpu_array'

export function copyBalancer (bpf: Bpf, sim: Simulator, node: string): KernelBalancer {
  const copier = new Copier(bpf, sim, node)
  const maps = new Map(copier.owned.map((map) => [map.fullName, copier.copy(map)]))
  const program = loadBalancer(bpf, sim.getNode(node).layout as DatapathLayout, maps)
  return {
    run: (packet, repeat) => bpf.testRun(program, packet, repeat),
    backendsAt (address, port) {
      const name = mapNames.backends[address.length === 4 ? 4 : 6]
      const view = copier.owned.find((map) => map.fullName === name) as MapView
      for (const [key, value] of copier.entries(view)) {
        done(bpf.update(maps.get(name) as number, key, encodeBackendValue({ ...decodeBackendValue(value), address, port })), 'an update')
      }
    },
    close () {
      bpf.close(program)
      for (const fd of maps.values()) bpf.close(fd)
    }
  }
}

class Copier {
  readonly #bpf: Bpf
  readonly #sim: Simulator
  readonly #node: string
  readonly #inner: ReadonlySet<number>
  /** all maps but the inner ones */
  readonly owned: readonly MapView[]

  constructor (bpf: Bpf, sim: Simulator, node: string) {
    this.#bpf = bpf
    this.#sim = sim
    this.#node = node
    // layout flat has no inner maps: its tables' map is one of the program's own
    const tables = sim.getNode(node).layout === 'flat' ? [] : sim.listFrontends(node).map(({ table }) => table)
    this.#inner = new Set(tables.flatMap((table) => table === null ? [] : [table.mapId]))
    this.owned = sim.listMaps(node).filter((map) => !this.#inner.has(map.id))
  }

  copy (map: MapView): number {
    const innerFd = isOuter(map) ? this.#template() : 0
    const fd = done(this.#bpf.mapCreate(specOf(map, innerFd)), `map ${map.name}`)
    if (innerFd !== 0) this.#bpf.close(innerFd)
    if (!isCounter(map)) for (const [key, value] of this.entries(map)) this.#put(map, fd, key, value)
    if ((map.flags & BPF_F_RDONLY_PROG) !== 0 && map.frozen === 1) this.#bpf.freeze(fd)
    return fd
  }

  * entries (map: MapView): Generator<readonly [Uint8Array, Uint8Array]> {
    for (let cursor: string | undefined, more = true; more;) {
      const page = this.#sim.mapEntries(this.#node, map.id, { limit: 500, ...(cursor === undefined ? {} : { cursor }) })
      for (const item of page.items as ReadonlyArray<{ key: string[], value: string[] }>) yield [bytesOf(item.key), bytesOf(item.value)]
      more = page.next !== null
      cursor = page.next ?? undefined
    }
  }

  #put (map: MapView, fd: number, key: Uint8Array, value: Uint8Array): void {
    if (!isOuter(map)) {
      // an array is made of zeros
      if (map.type === 'array' && value.every((byte) => byte === 0)) return
      done(this.#bpf.update(fd, key, value), `an update of ${map.name}`)
      return
    }
    const inner = this.copy(this.#sim.getMap(this.#node, new DataView(value.buffer).getUint32(0, true)))
    done(this.#bpf.update(fd, key, Uint8Array.of(inner & 0xff, inner >>> 8, 0, 0)), `an update of ${map.name}`)
    this.#bpf.close(inner)
  }

  /** Any inner map of the node will do: those of one node may stand for each other. */
  #template (): number {
    const [inner] = this.#inner
    if (inner === undefined) throw new Error(`node ${this.#node} has no table to take the shape of inner maps from`)
    return done(this.#bpf.mapCreate(specOf(this.#sim.getMap(this.#node, inner), 0)), 'the template of inner maps')
  }
}

function specOf (map: MapView, innerFd: number): Parameters<Bpf['mapCreate']>[0] {
  return {
    type: findKind(map.type)?.number ?? 0,
    keySize: map.bytes_key,
    valueSize: map.bytes_value,
    maxEntries: map.max_entries,
    flags: map.flags,
    innerFd
  }
}

const bytesOf = (hex: readonly string[]): Uint8Array => Uint8Array.from(hex, (byte) => Number.parseInt(byte, 16))

function loadBalancer (bpf: Bpf, layout: DatapathLayout, maps: ReadonlyMap<string, number>): number {
  const object = readObject(readFileSync(join(packageRoot(), 'lib/datapath', objectFile(layout))), { name: 'balancer' })
  if (!object.ok) throw new Error(object.error.message)
  const [program] = object.value.programs
  if (program === undefined) throw new Error('the object has no program')
  return loadProgram(bpf, program, object.value.license, (name) => maps.get(name) ?? -1)
}

function done (result: number, what: string): number {
  if (result < 0) throw new Error(`bpf(2) refuses ${what}: errno ${-result}`)
  return result
}
