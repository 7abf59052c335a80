// What the verifier says of single instructions: reachable, map at a call, region, context field.

import t from 'tap'
import type { InsnFacts } from '../../lib/bpf/verifier/index.ts'
import { array, assembled, check, hash, INNER_MAP, RDONLY_PROG } from './support.ts'
import type { TestMap } from './support.ts'

function factsOf (text: string, maps: readonly TestMap[] = []): readonly InsnFacts[] {
  const result = check({ insns: assembled(text), maps })
  if (!result.ok) throw new Error(result.log)
  return result.facts
}

t.test('accesses', async (t) => {
  const facts = factsOf(`
    r2 = *(u32 *)(r1 +0)
    r3 = *(u32 *)(r1 +4)
    r4 = r2
    r4 += 14
    if r4 > r3 goto out
    r5 = *(u16 *)(r2 +12)
    *(u32 *)(r10 -4) = r5
    r2 = r10
    r2 += -4
    r1 = map[id:0]
    call 1
    if r0 == 0 goto out
    r1 = 1
    lock *(u64 *)(r0 +8) += r1
    out:
    r0 = 0
    exit`, [hash(4, 16)])
  const access = (index: number): unknown => facts[index]?.access
  t.same(facts[0]?.contextField, { offset: 0, size: 4 })
  t.same(access(0), { region: 'ctx', size: 4, kind: 'load', proved: true })
  t.same(access(5), { region: 'packet', size: 2, kind: 'load', proved: true })
  t.same(access(6), { region: 'stack', size: 4, kind: 'store', proved: true })
  t.same(facts[11]?.mapAtCall, { usedMap: 0, inner: false })
  t.equal(facts[11]?.keyRegion, 'stack')
  t.same(access(14), { region: 'map', size: 8, kind: 'atomic', proved: true })
  t.ok(facts.every(({ reachable }) => reachable))
})

t.test('inner maps', async (t) => {
  const facts = factsOf(`
    r6 = *(u32 *)(r1 +16)
    *(u32 *)(r10 -4) = r6
    r2 = r10
    r2 += -4
    r1 = map[id:0]
    call 1
    if r0 == 0 goto +6
    r7 = *(u32 *)(r0 +76)
    r2 = r10
    r2 += -4
    r1 = r0
    call 1
    r0 = 0
    exit`, [{ type: 'array_of_maps', maxEntries: 3, inner: array(1, 4, INNER_MAP) }])
  t.same(facts[6]?.mapAtCall, { usedMap: 0, inner: false })
  t.same(facts[8]?.access, { region: 'kernel', size: 4, kind: 'load', proved: true })
  t.same(facts[12]?.mapAtCall, { usedMap: 0, inner: true })
})

const twoMaps = (second: string): string => `
    r6 = *(u32 *)(r1 +16)
    *(u32 *)(r10 -4) = r6
    r2 = r10
    r2 += -4
    r1 = map[id:0]
    if r6 == 3 goto +2
    r1 = ${second}
    call 1
    r0 = 0
    exit`

t.test('one call, several maps', async (t) => {
  t.equal(factsOf(twoMaps('map[id:1]'), [array(4), array(4)])[9]?.mapAtCall, 'poisoned')
  t.same(factsOf(twoMaps('map[id:0]'), [array(4)])[9]?.mapAtCall, { usedMap: 0, inner: false }, 'the same map on both branches')
})

t.test('dead code', async (t) => {
  const frozen: TestMap = { type: 'array', valueSize: 4, flags: RDONLY_PROG, contents: Uint8Array.of(7, 0, 0, 0) }
  const text = 'r1 = map[id:0][0]+0\nr2 = *(u32 *)(r1 +0)\nr0 = 1\nif r2 == 7 goto +1\nr0 = 2\nexit'
  const reachable = (maps: TestMap): boolean[] => factsOf(text, [maps]).map((facts) => facts.reachable)
  t.same(reachable(frozen), [true, true, true, true, true, false, true], 'a frozen constant decides')
  t.same(reachable({ ...array(1), contents: frozen.contents as Uint8Array }), Array(7).fill(true), 'one that programs may write does not')
})

t.test('subprograms', async (t) => {
  const result = check({ insns: assembled('r1 = 1\ncall pc+3\nr1 = 2\ncall pc+3\nexit\nr0 = r1\nexit\nr0 = r1\nr0 += 1\nexit') })
  t.same(result.ok && result.subprograms, [0, 5, 7])
})

t.test('a call site that sees a map through a key in the packet and on the stack', async (t) => {
  const facts = factsOf(`
    r2 = *(u32 *)(r1 +0)
    r3 = *(u32 *)(r1 +4)
    r4 = r2
    r4 += 4
    if r4 > r3 goto +3
    r1 = map[id:0]
    call 1
    r0 = 2
    exit`, [array(4)])
  t.equal(facts[7]?.keyRegion, 'packet')
})
