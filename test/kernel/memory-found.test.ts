// `bpftool map show -j` of the running kernel, set against the memory report of a node: maps of the node's shapes and names are made and
// filled as the node's are, and no byte differs. The maps that Cilium has for connections are made small: their formula knows no size.

import { spawnSync } from 'node:child_process'
import { memlockBytes } from '../../lib/bpf/map/index.ts'
import { kernel618 } from '../../lib/bpf/profile/kernel-6.18.ts'
import { mapTypeNumbers } from '../../lib/bpf/profile/names.ts'
import { innerMapName } from '../../lib/datapath/index.ts'
import type { FoundMap, MemoryReport } from '../../lib/report/index.ts'
import { connectionMaps, defaultSizing } from '../../lib/report/memory/cilium-maps.ts'
import type { Bpf } from '../../src/live-kernel/bpf.ts'
import { someBackends, someService, testSimulator } from '../support/simulator.ts'
import { kernelSuite } from './support/tally.ts'

const layouts = ['blob', 'dynamic', 'packed', 'compact'] as const
const nameChars = 15

await kernelSuite('memory found', 100, ({ bpf, same }, t) => {
  for (const layout of layouts) {
    for (const preallocateMaps of [false, true]) {
      const sim = testSimulator({ nodes: [] })
      sim.createNode({ name: 'node', layout, preallocateMaps, possibleCpus: bpf.possibleCpus })
      for (const [index, size] of [3, 3, 10, 40].entries()) sim.putService(someService(`s${index}`, `172.20.0.${index}`, someBackends(size, index * 64)))
      const fds = makeTwins(bpf, sim.listMaps('node'))
      const shown = spawnSync('bpftool', ['map', 'show', '-j'], { encoding: 'utf8', maxBuffer: 2 ** 26 })
      if (shown.status !== 0) {
        t.comment(`no bpftool: ${shown.error?.message ?? shown.stderr}`)
        t.fail('bpftool cannot be run')
        return
      }
      const ids = new Set(fds.map((fd) => bpf.mapInfo(fd).id))
      const maps = (JSON.parse(shown.stdout) as FoundMap[]).filter(({ id }) => ids.has(id ?? -1))
      for (const fd of fds) bpf.close(fd)
      const found = (sim.report({ kind: 'memory', maps }) as MemoryReport).nodes[0]?.found
      const where = `${layout} preallocated ${preallocateMaps}`
      for (const { name, differenceBytes } of found?.maps ?? []) same(differenceBytes, 0, `${where}: ${name}`)
      for (const { found: count, predicted, foundBytes, predictedBytes } of found?.tables ?? []) {
        same([count, foundBytes], [predicted, predictedBytes], `${where}: inner maps`)
      }
      same(found?.total.differenceBytes, 0, `${where}: in all`)
      same(found?.others.maps, 0, `${where}: all are the load balancer's`)
    }
  }
  compareConnectionMaps(bpf, same)
})

interface Shown extends FoundMap {
  readonly id: number
  readonly type: keyof typeof mapTypeNumbers
  readonly name: string
  readonly flags: number
  readonly entries: number
}

/** The same maps in the running kernel, with as many elements. */
function makeTwins (bpf: Bpf, maps: readonly Shown[]): number[] {
  const inner = maps.filter(({ name }) => innerMapName.startsWith(name))
  const create = (map: Shown, innerFd?: number): number => {
    const { bytes_key: keySize, bytes_value: valueSize, max_entries: maxEntries, flags } = map
    const attr = { keySize, valueSize, maxEntries, flags, name: map.name.slice(0, nameChars) }
    return bpf.mapCreate({ type: mapTypeNumbers[map.type], ...attr, ...(innerFd === undefined ? {} : { innerFd }) })
  }
  const tables = inner.map((map) => create(map))
  const others = maps.filter((map) => !inner.includes(map)).map((map) => {
    const fd = create(map, map.type === 'hash_of_maps' ? tables[0] : undefined)
    for (let element = 0; element < map.entries && map.type.startsWith('hash'); element++) {
      const key = new Uint8Array(map.bytes_key)
      new DataView(key.buffer).setUint16(0, element, true)
      bpf.update(fd, key, map.type === 'hash_of_maps' ? new Uint8Array(Uint32Array.of(tables[0] ?? 0).buffer) : new Uint8Array(map.bytes_value))
    }
    return fd
  })
  return [...tables, ...others]
}

function compareConnectionMaps (bpf: Bpf, same: (found: unknown, wanted: unknown, where: string) => boolean): void {
  const node = { name: 'node', kernel: kernel618.name, possibleCpus: bpf.possibleCpus, spectreMasking: false }
  for (const { name, type, keySize, valueSize, maxEntries } of connectionMaps(node, defaultSizing, true)) {
    for (const size of [1, 1000, 4096, 5001, maxEntries]) {
      const fd = bpf.mapCreate({ type: mapTypeNumbers[type], keySize, valueSize, maxEntries: size })
      const shape = { type, keySize, valueSize, maxEntries: size, flags: 0, possibleCpus: bpf.possibleCpus }
      same(memlockBytes(kernel618, shape), bpf.memlock(fd), `${name} of ${size}`)
      bpf.close(fd)
    }
  }
}
