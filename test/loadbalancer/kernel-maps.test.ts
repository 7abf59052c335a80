// The same changes on the emulated kernel's maps as on plain ones: equal dumps in every layout, tables read back as built, inner maps of
// the layout's shape, old ones freed.

import t from 'tap'
import { buildTable, tableDigest } from '../../lib/maglev/index.ts'
import { allMapSizes, defaultSettings, innerAttributes, lbMapsText, LbNode, realiseChange } from '../../lib/loadbalancer/index.ts'
import type { NodeSettings } from '../../lib/loadbalancer/index.ts'
import { kernelMaps } from './support/kernel-world.ts'
import { createWorld } from './support/world.ts'

const layouts: Partial<NodeSettings>[] = [
  { layout: 'blob', tableSizePolicy: { fixed: 509 }, kernel: '6.18' },
  { layout: 'dynamic', tableSizePolicy: { perService: { perBackend: 100 } }, kernel: '5.10' },
  { layout: 'fixed', tableSizePolicy: { fixed: 509 }, kernel: '6.18' },
  { layout: 'packed', tableSizePolicy: { perService: { perBackend: 100 } }, kernel: '6.18' },
  { layout: 'compact', tableSizePolicy: { fixed: 509 }, kernel: '5.10' },
  { layout: 'flat', tableSizePolicy: { fixed: 509 }, kernel: '6.18', mapSizes: { ...allMapSizes(100), maglev: 3 } }
]

for (const patch of layouts) {
  t.test(`${patch.layout} on ${patch.kernel}`, async t => {
    const world = createWorld(patch)
    const node = new LbNode({ ...defaultSettings('kernel'), ...patch })
    const { kernel, maps } = kernelMaps(node.settings)
    const plain = world.nodes[0]
    if (plain === undefined) throw new Error('no node')
    const fixedMaps = kernel.maps().length
    const realise = (change: (draft: ReturnType<typeof world.cluster.draft>) => void): void => {
      const draft = world.cluster.draft()
      change(draft)
      t.ok(realiseChange(draft, [plain, { node, maps }]).ok)
      draft.commit()
      t.equal(lbMapsText(maps), world.text())
      const tables = node.frontends().filter(({ table }) => table !== null)
      t.equal(kernel.maps().length, fixedMaps + (patch.layout === 'flat' ? 0 : tables.length), 'one inner map per table, no old ones')
    }
    const put = (name: string, family: 4 | 6, backends: number) => (draft: ReturnType<typeof world.cluster.draft>): void => {
      const last = name.charCodeAt(0)
      draft.putService({
        namespace: 'default',
        name,
        source: 'api',
        sessionAffinity: { timeoutSeconds: 60 },
        sourceRanges: { cidrs: ['198.51.100.0/24', '198.51.0.0/16', '2001:db8:1::/48'], policy: 'allow' },
        frontends: [{ address: family === 4 ? `203.0.113.${last}` : `2001:db8::${last}`, port: 80, protocol: 'TCP', type: 'LoadBalancer' }],
        backends: Array.from({ length: backends }, (_, index) => ({
          address: family === 4 ? `10.0.0.${index}` : `fd00::${index + 1}`, port: 8080, protocol: 'TCP', weight: 100 + index, state: 'active'
        }))
      })
    }
    realise(draft => {
      for (const [name, family, backends] of [['a', 4, 2], ['b', 6, 3], ['c', 4, 0]] as const) put(name, family, backends)(draft)
    })
    realise(put('a', 4, 7))
    for (const frontend of node.frontends()) {
      const table = maps.maglev[frontend.frontend.address.includes(':') ? 6 : 4].get(frontend.id)
      if (frontend.table === null || frontend.m === null) {
        t.equal(table, undefined)
        continue
      }
      t.equal(tableDigest(table?.read() ?? new Uint32Array()), tableDigest(buildTable(frontend.m, frontend.table, node.seed, '1.17+')?.ids ?? new Uint32Array()))
      const inner = kernel.maps().find(({ id }) => id === table?.mapId)
      t.match(inner, node.settings.layout === 'flat'
        ? { valueSize: 4, maxEntries: 3 * 509, flags: 0 }
        : innerAttributes(node.settings.layout, frontend.m, frontend.table.length))
      t.equal(table?.m, frontend.m)
    }
    if (patch.layout === 'flat') {
      const draft = world.cluster.draft()
      put('d', 4, 1)(draft)
      const refused = realiseChange(draft, [plain, { node, maps }])
      t.match(refused, { ok: false, error: { code: 'IDS_EXHAUSTED', message: /place for 3 frontends.*mapSizes\.maglev/ } })
    }
    realise(draft => { draft.deleteService('default/a') })
    if (patch.layout === 'flat') {
      realise(put('d', 4, 1))
      realise(draft => { draft.deleteService('default/d') })
    }
    realise(draft => { draft.clear() })
    t.equal(lbMapsText(maps), '')
  })
}
