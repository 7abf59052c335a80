// Texts as sysdumps hold them: what a command printed, in Markdown between fences where cilium-bugtool wrote it. Which list a text is, is
// told by the head of its table.

import { done, refusePlaces } from '../errors.ts'
import type { LbPlace, LbResult } from '../errors.ts'
import { limits } from '../limits.ts'

/** lines of a list that are read in some milliseconds */
export const LINES_PER_STEP = 500

/** A text beside the documents of an import: of a file in an archive, or a body that is no JSON. */
export interface DumpText {
  /** its name in the archive; for people */
  readonly file: string
  readonly text: string
}

export const dumpKinds = ['service-list', 'bpf-lb-list', 'bpf-lb-maglev-list', 'config'] as const

export type DumpKind = typeof dumpKinds[number]

const heads: Readonly<Record<DumpKind, RegExp>> = {
  'service-list': /^ID +Frontend +Service Type +Backend/,
  'bpf-lb-list': /^SERVICE ADDRESS +BACKEND ADDRESS/,
  'bpf-lb-maglev-list': /^SVC ID +LOOKUP TABLE/,
  config: /^#+ Read-only configurations #+/
}

export interface TextLine {
  /** from 1 */
  readonly number: number
  readonly text: string
}

export interface ReadText {
  readonly kind: DumpKind
  readonly head: TextLine
  /** those below the head that are not empty */
  readonly lines: readonly TextLine[]
}

/** @returns null for a text without a head that is known */
export function readText (text: string): ReadText | null {
  const lines = text.split(/\r?\n/).map((line, index): TextLine => ({ number: index + 1, text: line }))
  for (const [index, line] of lines.entries()) {
    const kind = dumpKinds.find(name => heads[name].test(line.text))
    if (kind === undefined) continue
    const body = lines.slice(index + 1)
    const fence = body.findIndex(one => one.text.startsWith('```'))
    return { kind, head: line, lines: body.slice(0, fence < 0 ? undefined : fence).filter(one => one.text.trim() !== '') }
  }
  return null
}

/** What is wrong with the lines of one text; JSON Pointers end at its document. */
export class TextProblems {
  readonly places: LbPlace[] = []
  readonly #pointer: string
  readonly #file: string

  constructor (pointer: string, file: string) {
    this.#pointer = pointer
    this.#file = file
  }

  placeOf (line: TextLine): string {
    return `${this.#file}, line ${line.number}`
  }

  get pointer (): string {
    return this.#pointer
  }

  wrong (line: TextLine, detail: string): void {
    if (this.places.length < limits.places) this.places.push({ pointer: this.#pointer, detail: `${this.placeOf(line)}: ${detail}` })
  }

  or<T> (value: T): LbResult<T> {
    return this.places.length === 0 ? done(value) : refusePlaces('INVALID_DOCUMENT', this.places)
  }
}

/** Columns of a line, cut where the head's words begin; those of a last column run to the end of the line. */
export function columnsOf (line: string, starts: readonly number[]): string[] {
  return starts.map((start, index) => line.slice(start, starts[index + 1]).trim())
}

/** A document in words. @param pointer of it, or of something in it */
export const documentText = (pointer: string): string => `document ${pointer.split('/')[1] ?? 0}`

export const quoted = (text: string): string => JSON.stringify(text.length > 64 ? `${text.slice(0, 61)}...` : text)
