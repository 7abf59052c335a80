// Text to plain values, for JSON and YAML alike hostile until proved otherwise: valid UTF-8, bounded depth, bounded aliases, no
// member named `__proto__` (it would change objects instead of filling them). Faults name line and column.

import { Composer, CST, isAlias, isMap, isScalar, isSeq, LineCounter, Parser, visit, type Alias, type Document } from 'yaml'
import { limits } from '../../routes/support/limits.ts'
import { findJsonFault, lineAndColumn } from './json-position.ts'

/** Plain data, so that it can cross from a worker thread. */
export interface ParseFault {
  readonly code: 'MALFORMED_JSON' | 'MALFORMED_YAML' | 'LIMIT_EXCEEDED'
  readonly detail: string
  readonly pointer: string
  /** from 1; null: the pointer alone says where */
  readonly line: number | null
}

export type Parsed = { readonly ok: true, readonly value: unknown } | { readonly ok: false, readonly fault: ParseFault }

const utf8 = new TextDecoder('utf-8', { fatal: true })

export function parseJson (bytes: Uint8Array): Parsed {
  const text = decode(bytes)
  if (text === null) return fault('MALFORMED_JSON', 'The body is not UTF-8.')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    const found = findJsonFault(text)
    if (found === null) return fault('MALFORMED_JSON', 'The body is not JSON.')
    const { line, column } = lineAndColumn(text, found.offset)
    const got = found.offset < text.length ? JSON.stringify(text[found.offset]) : 'the end of the body'
    return fault('MALFORMED_JSON', `Line ${line}, column ${column}: expected ${found.expected}, got ${got}.`, '', line)
  }
  return checkShape(value, 'MALFORMED_JSON')
}

/** An array with one element for each document that is not empty. */
export function parseYaml (bytes: Uint8Array): Parsed {
  const text = decode(bytes)
  if (text === null) return fault('MALFORMED_YAML', 'The body is not UTF-8.')
  const values: unknown[] = []
  const lines = new LineCounter()
  const mayHaveTags = text.includes('!')
  let index = 0
  try {
    // one document after the other: all trees of a large stream together would fill the memory
    const tokens = new Parser(lines.addNewLine).parse(text)
    for (const document of new Composer({ uniqueKeys: true, strict: true }).compose(shallow(tokens))) {
      if (index >= limits.importDocuments) return fault('LIMIT_EXCEEDED', `The body has more than ${limits.importDocuments} documents.`)
      const [error] = document.errors
      if (error !== undefined) {
        const place = lines.linePos(error.pos[0])
        return fault('MALFORMED_YAML', yamlMessage(error.message, place), `/${index}`, place.line)
      }
      const value = documentValue(document, index, mayHaveTags, lines)
      if (!value.ok) return value
      if (value.value !== null) values.push(value.value)
      index++
    }
  } catch (error) {
    return fault('LIMIT_EXCEEDED', error instanceof RangeError ? tooDeep : 'The body cannot be read as YAML.')
  }
  return checkShape(values, 'MALFORMED_YAML')
}

/**
 * Syntax trees within the limit of levels: making documents of them recurses, and a stack that is full where a regular expression is
 * compiled ends the process.
 * @throws RangeError
 */
function * shallow (tokens: Iterable<CST.Token>): Generator<CST.Token> {
  for (const token of tokens) {
    const pending: Array<{ readonly token: CST.Token, readonly level: number }> = [{ token, level: 0 }]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { token, level } = next
      if (level > limits.documentDepth) throw new RangeError(tooDeep)
      if (token.type === 'document' && token.value !== undefined) pending.push({ token: token.value, level })
      if (!CST.isCollection(token)) continue
      for (const { key, value } of token.items) {
        for (const inner of [key, value]) if (CST.isCollection(inner)) pending.push({ token: inner, level: level + 1 })
      }
    }
    yield token
  }
}

const tooDeep = `The body has more than ${limits.documentDepth} levels.`

function documentValue (document: Document, index: number, mayHaveTags: boolean, lines: LineCounter): Parsed {
  const line = (): number => lines.linePos(document.contents?.range?.[0] ?? 0).line
  const tag = mayHaveTags ? foreignTag(document) : null
  if (tag !== null) return fault('MALFORMED_YAML', `Document ${index + 1} uses the tag ${tag}; Kubernetes objects have none.`, `/${index}`, line())
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: limits.yamlAliases }) as unknown }
  } catch (error) {
    if (error instanceof RangeError) return fault('LIMIT_EXCEEDED', tooDeep, `/${index}`, line())
    const alias = danglingAlias(document)
    if (alias !== null) {
      const reason = `document ${index + 1} has the alias *${alias.source} without an anchor &${alias.source} before it`
      const place = lines.linePos(alias.range?.[0] ?? 0)
      return fault('MALFORMED_YAML', yamlMessage(reason, place), `/${index}`, place.line)
    }
    return fault('LIMIT_EXCEEDED', `Document ${index + 1} has aliases that expand to too much (at most ${limits.yamlAliases}).`, `/${index}`, line())
  }
}

/** the first that stands for nothing; in one pass, since a hostile document has very many that stand for something */
function danglingAlias (document: Document): Alias | null {
  const anchors = new Set<string>()
  let dangling: Alias | null = null
  visit(document, (_key, node) => {
    if (isAlias(node)) {
      if (anchors.has(node.source)) return undefined
      dangling = node
      return visit.BREAK
    }
    if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined) anchors.add(node.anchor)
    return undefined
  })
  return dangling
}

/** a tag of its own (!!binary, !!set, !Ref, ...) asks for a value that JSON does not have */
function foreignTag (document: Document): string | null {
  let tag: string | null = null
  visit(document, (_key, node) => {
    if ((isScalar(node) || isMap(node) || isSeq(node)) && node.tag !== undefined && !plainTags.test(node.tag)) tag = node.tag
    return isAlias(node) ? visit.SKIP : undefined
  })
  return tag
}

const plainTags = /^(tag:yaml\.org,2002:(map|seq|str|int|float|bool|null)|!)$/

function yamlMessage (message: string, place: { line: number, col: number } | undefined): string {
  // the parser appends the place and a drawing of the line to its message
  const [reason] = message.split(/ at line \d+|:?\n/)
  return place === undefined ? `${reason}.` : `Line ${place.line}, column ${place.col}: ${reason}.`
}

/** Depth and member names of a value that came from outside; walks with a stack of its own. */
export function checkShape (value: unknown, code: 'MALFORMED_JSON' | 'MALFORMED_YAML'): Parsed {
  const pending: Array<{ value: unknown, depth: number, pointer: string }> = []
  const visitLevel = (holder: object, depth: number, pointer: string): ParseFault | null => {
    for (const [name, inner] of Object.entries(holder)) {
      if (name === '__proto__') return { code, detail: 'A member is named "__proto__".', pointer: `${pointer}/__proto__`, line: null }
      if (typeof inner === 'object' && inner !== null) pending.push({ value: inner, depth: depth + 1, pointer: depth < 4 ? `${pointer}/${escape(name)}` : pointer })
    }
    return null
  }
  if (typeof value === 'object' && value !== null) pending.push({ value, depth: 1, pointer: '' })
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.depth > limits.documentDepth) return fault('LIMIT_EXCEEDED', tooDeep, next.pointer)
    const found = visitLevel(next.value as object, next.depth, next.pointer)
    if (found !== null) return { ok: false, fault: found }
  }
  return { ok: true, value }
}

const escape = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

function decode (bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}

function fault (code: ParseFault['code'], detail: string, pointer = '', line: number | null = null): Parsed {
  return { ok: false, fault: { code, detail, pointer, line } }
}
