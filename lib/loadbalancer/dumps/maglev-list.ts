// `cilium-dbg bpf lb maglev list`: backend ids of every slot. As JSON `[5]/v4` (1.9 to 1.11: `5`) -> one text, `[3 3 1 ...]`; as text the
// same in two columns.

import type { Family } from '../../maglev/index.ts'
import { done, pointerStep, refusePlaces } from '../errors.ts'
import type { LbPlace, LbResult } from '../errors.ts'
import { isRecord } from '../k8s/fields.ts'
import { limits } from '../limits.ts'
import { columnsOf, quoted, TextProblems } from './texts.ts'
import type { ReadText } from './texts.ts'

export interface DumpedTable {
  /** as the list has it */
  readonly key: string
  readonly revNatId: number
  /** null: lists of 1.9 to 1.11 do not say */
  readonly family: Family | null
  /** backend ids of the machine that the list is from */
  readonly ids: Uint32Array
}

/** most slots of all tables of one list together */
export const DUMPED_SLOTS_MAX = 50_000_000

export function isMaglevList (document: unknown): document is Readonly<Record<string, unknown>> {
  if (!isRecord(document)) return false
  const names = Object.keys(document)
  return names.length > 0 && names.every(name => keyPattern.test(name) && Array.isArray(document[name]))
}

/** @param pointer of the document */
export function readMaglevList (document: Readonly<Record<string, unknown>>, pointer: string): LbResult<DumpedTable[]> {
  const tables: DumpedTable[] = []
  const places: LbPlace[] = []
  let slots = 0
  for (const [key, value] of Object.entries(document)) {
    const [text] = Array.isArray(value) ? value as unknown[] : [value]
    const read = tableOf(key, typeof text === 'string' ? text : '')
    if (typeof read === 'string') {
      if (places.length < limits.places) places.push({ pointer: pointer + pointerStep(key), detail: read })
    } else {
      tables.push(read)
      slots += read.ids.length
    }
    if (slots > DUMPED_SLOTS_MAX) return tooLarge(pointer)
  }
  return places.length > 0 ? refusePlaces('INVALID_DOCUMENT', places) : done(tables)
}

/** @param pointer of the document. @param file in words */
export function readMaglevListText ({ head, lines }: ReadText, pointer: string, file: string): LbResult<DumpedTable[]> {
  const problems = new TextProblems(pointer, file)
  const tables: DumpedTable[] = []
  const starts = [0, head.text.indexOf('LOOKUP TABLE')]
  let slots = 0
  for (const line of lines) {
    const [key = '', text = ''] = columnsOf(line.text, starts)
    const read = tableOf(key, text)
    if (typeof read === 'string') problems.wrong(line, read)
    else {
      tables.push(read)
      slots += read.ids.length
    }
    if (slots > DUMPED_SLOTS_MAX) return tooLarge(pointer)
  }
  return problems.or(tables)
}

const keyPattern = /^(?:\[(\d{1,5})\]\/v([46])|(\d{1,5}))$/

/** @returns what is wrong, in words */
function tableOf (key: string, text: string): DumpedTable | string {
  const match = keyPattern.exec(key)
  if (match === null) return `${quoted(key)} is not [ID]/v4, [ID]/v6 or ID`
  if (!/^\[[\d ]*\]$/.test(text)) return `${quoted(text)} is not [ID ID ...]`
  const inner = text.slice(1, -1).trim()
  const words = inner === '' ? [] : inner.split(/ +/)
  const ids = new Uint32Array(words.length)
  for (let slot = 0; slot < words.length; slot++) {
    const id = Number(words[slot])
    if (id > 0xffffffff) return `slot ${slot}: ${quoted(words[slot] ?? '')} is no backend id`
    ids[slot] = id
  }
  const family = match[2] === undefined ? null : match[2] === '4' ? 4 : 6
  return { key, revNatId: Number(match[1] ?? match[3]), family, ids }
}

function tooLarge (pointer: string): ReturnType<typeof refusePlaces> {
  return refusePlaces('LIMIT_EXCEEDED', [{ pointer, detail: `the tables have more than ${DUMPED_SLOTS_MAX} slots together; compare fewer at a time` }])
}
