// Tables as bytes in every layout, and back; the shapes of their maps.

import fc from 'fast-check'
import t from 'tap'
import { datapathLayouts } from '../../lib/datapath/index.ts'
import {
  BPF_F_INNER_MAP, COMPACT_IDS_MAX, compactDigits, compactShape, decodeTable, encodeTable, innerAttributes, templateAttributes
} from '../../lib/loadbalancer/index.ts'
import { supportedTableSizes } from '../../lib/maglev/index.ts'

const counts = [1, 2, 3, 4, 5, 11, 12, 16, 17, 84, 85, 255, 256, 257, 1625, 1626, 65_535]
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
      for (const m of layout === 'compact' ? [251, 16_381, 131_071] : [251]) {
        if (m < n) continue
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
  for (const { digits, base } of compactDigits) {
    t.ok(base ** digits < 2 ** 32 && (base + 1) ** digits >= 2 ** 32, `no more than ${digits} digits in base ${base} go into a word`)
  }
  const sizes = [3, 11, 40, 84, 160, 262, 263].map((n) => compactShape(16_381, n))
  t.same(sizes, [1, 2, 4, 4, 8, 8, 9].map((maxEntries) => ({ valueSize: 3780, maxEntries })))
  t.equal(312 + 3784, 4096, 'one element and the fields of the array are as long as a size class of the kernel')
  for (const m of supportedTableSizes) {
    t.same([1, 3, 4, 11].map((n) => compactShape(m, n).maxEntries), [1, 1, 2, 2], `up to 3 backends one element, up to 11 two at M=${m}`)
  }
  const bytes = encodeTable('compact', Uint32Array.from({ length: 251 }, (_, slot) => [700, 5, 30][slot % 3] ?? 0))
  t.equal(bytes.length, 192, '55 * 4 bytes of words and ids, in whole 8 bytes')
  t.equal(Buffer.from(bytes.subarray(0, 12)).toString('hex'), '05000000' + '1e000000' + 'bc020000', 'ids ascending')
  const first = new DataView(bytes.buffer).getUint32(188 - 4, true)
  t.equal(first / 2 ** 32 * 27 >>> 0, 2 * 9 + 0 * 3 + 1, 'the first digits are 2 0 1')
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
