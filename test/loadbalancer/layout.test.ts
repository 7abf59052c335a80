// Tables as bytes in every layout, and back; the shapes of their maps.

import fc from 'fast-check'
import t from 'tap'
import { datapathLayouts } from '../../lib/datapath/index.ts'
import {
  BPF_F_INNER_MAP, COMPACT_IDS_MAX, compactShape, decodeTable, encodeTable, indexBits, innerAttributes, templateAttributes
} from '../../lib/loadbalancer/index.ts'
import { supportedTableSizes } from '../../lib/maglev/index.ts'

const counts = [1, 2, 3, 4, 5, 16, 17, 255, 256, 257, 65_535]
const runs = { seed: 1103, numRuns: 60 }
console.log(`# seed ${runs.seed}`)

const equal = (one: Uint32Array, other: Uint32Array): boolean => one.length === other.length && one.every((id, slot) => id === other[slot])

/** n ids far apart and in no order, each in the table */
function tableOf (m: number, n: number): Uint32Array {
  return Uint32Array.from({ length: m }, (_, slot) => Math.imul((slot * 7919) % n + 1, 0x9e3779b1) >>> 0)
}

t.test('decoding is the inverse of encoding', async (t) => {
  for (const layout of datapathLayouts) {
    for (const n of counts) {
      for (const m of [251, 16_381, 131_071].filter((m) => m >= n)) {
        const ids = tableOf(m, n)
        const bytes = encodeTable(layout, ids)
        t.ok(equal(decodeTable(layout, m, bytes), ids), `${layout} N=${n} M=${m}`)
        if (layout === 'flat') t.equal(bytes.length, 8 * m)
        else {
          const { valueSize, maxEntries } = innerAttributes(layout, m, new Set(ids).size)
          t.equal(bytes.length, Math.ceil(valueSize / 8) * 8 * maxEntries, `${layout} N=${n} M=${m}: the bytes are the map's`)
        }
      }
    }
    const sizes = fc.constantFrom(...supportedTableSizes.slice(0, 4))
    fc.assert(fc.property(sizes, fc.nat(0xffffffff), fc.integer({ min: 1, max: 300 }), (m, seed, n) => {
      const ids = Uint32Array.from({ length: m }, (_, slot) => Math.imul(seed + Math.imul(slot, slot) % n, 0x85ebca6b) >>> 0)
      return equal(decodeTable(layout, m, encodeTable(layout, ids)), ids)
    }), runs)
  }
})

t.test('a compact table', async (t) => {
  t.same(counts.map(indexBits), [1, 1, 2, 2, 4, 4, 8, 8, 8, 16, 16])
  for (const m of supportedTableSizes) t.equal(compactShape(m, 4).maxEntries, 1, `up to four backends are one element at M=${m}`)
  t.same([3, 10, 40, 160].map((n) => compactShape(16_381, n)), [1, 2, 4, 5].map((maxEntries) => ({ valueSize: 4264, maxEntries })))
  const bytes = encodeTable('compact', Uint32Array.from({ length: 251 }, (_, slot) => [700, 5, 30][slot % 3] ?? 0))
  t.equal(Buffer.from(bytes.subarray(0, 22)).toString('hex'), 'fb000000' + '0300' + '02' + '00' + '05000000' + '1e000000' + 'bc020000' + '9224', 'ids ascending; 2 0 1 2 0 1 2 0')
  t.throws(() => encodeTable('compact', Uint32Array.from({ length: 131_071 }, (_, slot) => slot % (COMPACT_IDS_MAX + 1))), RangeError)
})

t.test('shapes of inner maps', async (t) => {
  const m = 1021
  t.same(innerAttributes('fixed', m, 3), { keySize: 4, valueSize: 4, maxEntries: m, flags: 0 })
  t.same(innerAttributes('blob', m, 3), { keySize: 4, valueSize: 4 * m, maxEntries: 1, flags: 0 })
  t.same(innerAttributes('dynamic', m, 3), { keySize: 4, valueSize: 4, maxEntries: m, flags: BPF_F_INNER_MAP })
  t.same(innerAttributes('packed', m, 3), { keySize: 4, valueSize: 8, maxEntries: 511, flags: BPF_F_INNER_MAP })
  for (const layout of datapathLayouts) {
    if (layout === 'flat') continue
    const template = templateAttributes(layout, m)
    const inner = innerAttributes(layout, m, 40)
    t.same([template.valueSize, template.flags], [inner.valueSize, inner.flags], `${layout}: the template stands for every table`)
    if (template.flags === 0) t.equal(template.maxEntries, inner.maxEntries)
  }
  for (const size of supportedTableSizes) t.equal(2 * innerAttributes('packed', size, 3).maxEntries - 1, size, 'packed: M from the number of elements')
})
