// Reading JSON and YAML: faults are told with line and column, hostile documents are refused, and large ones arrive whole
// (imports.test.ts measures that they keep nobody waiting).

import fc from 'fast-check'
import t from 'tap'
import { Problem } from '../../routes/support/problems.ts'
import { limits } from '../../routes/support/limits.ts'
import { findJsonFault, lineAndColumn } from '../../src/documents/json-position.ts'
import { dropBallast } from '../../src/documents/ballast.ts'
import { parseJson, parseYaml } from '../../src/documents/parse.ts'
import { Assembly, inPieces } from '../../src/documents/pieces.ts'
import { createDocumentReader } from '../../src/documents/reader.ts'
import { endpointSliceList } from './support/slices.ts'

const seed = 20261123
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

t.test('the scanner agrees with JSON.parse on what is JSON', async (t) => {
  const parses = (text: string): boolean => {
    try {
      JSON.parse(text)
      return true
    } catch {
      return false
    }
  }
  const defect = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '\\', '0', '-', 'e', 'nul', ' ', '\n', '\u0001', '.'))
    .map(([text, at, put]) => text.slice(0, at % (text.length + 1)) + put + text.slice(at % (text.length + 1) + (put === '' ? 1 : 0)))
  fc.assert(fc.property(fc.oneof(fc.json(), defect), (text) => (findJsonFault(text) === null) === parses(text)), { seed, numRuns: 3000 })
  t.comment(`seed ${seed}`)
})

t.test('a fault is told where it is', async (t) => {
  const cases: Array<[string, string]> = [
    ['{"a": }', 'Line 1, column 7: expected a value, got "}".'],
    ['{\n  "a": 1,\n}', 'Line 3, column 1: expected a string in double quotes, got "}".'],
    ['[1, 2', 'Line 1, column 6: expected "," or "]", got the end of the body.'],
    ['{"a": 1} x', 'Line 1, column 10: expected the end of the text, got "x".'],
    ['', 'Line 1, column 1: expected a value, got the end of the body.'],
    ['{"a\\x": 1}', 'Line 1, column 4: expected the end of the string, or a valid character or escape in it, got "\\\\".'],
    ['01', 'Line 1, column 2: expected the end of the text, got "1".']
  ]
  for (const [text, detail] of cases) t.match(parseJson(bytes(text)), { ok: false, fault: { code: 'MALFORMED_JSON', detail } })
  t.same(lineAndColumn('a\nbc\n', 3), { line: 2, column: 2 })
})

t.test('hostile JSON is refused', async (t) => {
  const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
  t.match(parseJson(bytes(deep(limits.documentDepth))), { ok: true })
  t.match(parseJson(bytes(deep(limits.documentDepth + 1))), { ok: false, fault: { code: 'LIMIT_EXCEEDED' } })
  t.match(parseJson(bytes(deep(200_000))), { ok: false, fault: { code: 'LIMIT_EXCEEDED' } })
  t.match(parseJson(bytes('{"a": {"__proto__": {"x": 1}}}')), { ok: false, fault: { code: 'MALFORMED_JSON', pointer: '/a/__proto__' } })
  t.match(parseJson(new Uint8Array([0x22, 0xff, 0x22])), { ok: false, fault: { detail: 'The body is not UTF-8.' } })
})

t.test('YAML streams, and what is wrong with some', async (t) => {
  t.same(parseYaml(bytes('a: 1\n---\n---\nb: [x]\n')), { ok: true, value: [{ a: 1 }, { b: ['x'] }] })
  t.match(parseYaml(bytes('a: 1\n---\nb: [x\n')), { ok: false, fault: { code: 'MALFORMED_YAML', pointer: '/1', detail: /^Line 4, column 1: / } })
  t.match(parseYaml(bytes('a: 1\na: 2\n')), { ok: false, fault: { detail: /^Line 2, column 1: Map keys must be unique\.$/ } })
  for (const [text, index, place] of [['a: *x\n', 0, 'Line 1, column 4'], ['a: &x 1\n---\nb:\n- *x\n', 1, 'Line 4, column 3'], ['a: *x\nb: &x 1\n', 0, 'Line 1, column 4'], ['a: &y 1\n? *y\n: 1\n<<: *x\n', 0, 'Line 4, column 5']] as const) {
    const detail = `${place}: document ${index + 1} has the alias *x without an anchor &x before it.`
    t.same(parseYaml(bytes(text)), { ok: false, fault: { code: 'MALFORMED_YAML', detail, pointer: `/${index}`, line: Number(/\d+/.exec(place)?.[0]) } }, text)
  }
  t.same(parseYaml(bytes('a: &x [1]\nb: *x\n')), { ok: true, value: [{ a: [1], b: [1] }] })
  t.match(parseYaml(bytes('a: !!binary aGk=\n')), { ok: false, fault: { detail: /uses the tag/ } })
  t.match(parseYaml(bytes('__proto__: {x: 1}\n')), { ok: false })
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]', ...Array.from({ length: 8 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`)].join('\n')
  t.match(parseYaml(bytes(bomb)), { ok: false, fault: { code: 'LIMIT_EXCEEDED', detail: /aliases/ } })
  t.match(parseYaml(bytes(`a: ${'['.repeat(limits.documentDepth)}${']'.repeat(limits.documentDepth)}`)), { ok: false, fault: { code: 'LIMIT_EXCEEDED' } })
  // a parser that recurses over them does not fail but ends the process
  for (const level of ['[', '{a: ', '- ', '? ', '[? ']) {
    for (const levels of [limits.documentDepth + 1, 50_000]) {
      t.match(parseYaml(bytes(`a:\n  ${level.repeat(levels)}`)), { ok: false, fault: { code: 'LIMIT_EXCEEDED', detail: /more than \d+ levels/ } }, `${levels} x "${level}"`)
    }
  }
})

t.test('any JSON or YAML text gives a value or a fault, never a throw', async (t) => {
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.array(fc.constantFrom('a', ':', ' ', '\n', '- ', '[', ']', '{', '}', '&a', '*a', '!', '"', '|', '>', '?', '#', '%', '---\n', '\t')).map((parts) => parts.join('')))
  fc.assert(fc.property(text, (given) => typeof parseYaml(bytes(given)).ok === 'boolean' && typeof parseJson(bytes(given)).ok === 'boolean'), { seed, numRuns: 3000 })
  t.comment(`seed ${seed}`)
})

t.test('pieces put together are the whole', async (t) => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 1, max: 3000 }), (value, copies) => {
    const whole = { items: Array.from({ length: copies }, () => value), by: { name: value } }
    const assembly = new Assembly()
    for (const piece of inPieces(whole)) assembly.add(JSON.parse(JSON.stringify(piece)) as typeof piece)
    return JSON.stringify(assembly.value) === JSON.stringify(whole)
  }), { seed, numRuns: 60 })
  t.comment(`seed ${seed}`)
})

t.test('a large list arrives whole from the worker thread', async (t) => {
  const text = endpointSliceList({ bytes: 3e6 })
  const expected = JSON.parse(text) as object
  dropBallast([expected])
  const reader = createDocumentReader()
  t.teardown(() => reader.close())
  const { documents: [read] } = await reader.read(Buffer.from(text), 'json')
  t.equal(JSON.stringify(read), JSON.stringify(expected))
})

t.test('faults from the worker thread say as much', async (t) => {
  const reader = createDocumentReader()
  t.teardown(() => reader.close())
  const long = `[${'1,\n'.repeat(limits.inlineJsonBytes / 3)}]`
  await t.rejects(reader.read(Buffer.from(long), 'json'), new Problem('MALFORMED_JSON', `Line ${long.split('\n').length}, column 1: expected a value, got "]".`))
  const { documents } = await reader.read(Buffer.from(`${'# comment\n'.repeat(limits.inlineYamlBytes / 10)}\na: 1\n---\nb: 2\n`), 'yaml')
  t.same(documents, [{ a: 1 }, { b: 2 }])
})
