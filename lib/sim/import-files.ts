// Documents of an archive come from files, and people know those: what is said of document 17 of an import is told by its file and its
// place in it.

import { SimError } from './errors.ts'
import type { SimErrorPlace } from './errors.ts'
import type { ImportReport } from './types.ts'

export class ImportFiles {
  readonly #files: readonly string[]
  /** the first document of each file */
  readonly #starts = new Map<string, number>()

  /** @param files the file of each document; those of one file stand together */
  constructor (files: readonly string[]) {
    this.#files = files
    for (const [document, file] of files.entries()) if (!this.#starts.has(file)) this.#starts.set(file, document)
  }

  refusal ({ code, message, places, facts }: SimError): SimError {
    const [first] = places
    const [file] = first === undefined ? [] : this.#split(first.pointer)
    const words = this.#inWords(message)
    const isTold = file === undefined || words.includes(file)
    return new SimError(code, isTold ? words : `${file}: ${words}`, { places: places.map((place) => this.#place(place)), facts: { ...facts } })
  }

  skipped (skipped: ImportReport['skipped']): ImportReport['skipped'] {
    return skipped.map((one) => {
      const file = this.#files[one.document]
      return file === undefined ? one : { file, ...one, document: this.#within(file, one.document) }
    })
  }

  #place ({ pointer, detail }: SimErrorPlace): SimErrorPlace {
    const [file, within] = this.#split(pointer)
    if (file === undefined) return { pointer, detail }
    const words = this.#inWords(detail)
    return { pointer: within, detail: words.includes(file) ? words : `${file}: ${words}` }
  }

  /** @returns file, and the pointer from its start */
  #split (pointer: string): [file: string | undefined, within: string] {
    const [, number = '', rest = ''] = /^\/(\d+)(.*)$/s.exec(pointer) ?? []
    const file = number === '' ? undefined : this.#files[Number(number)]
    return [file, file === undefined ? pointer : `/${this.#within(file, Number(number))}${rest}`]
  }

  /** `document 17` becomes `k8s-services.yaml, document 3`; in front of a file that is told already it goes. */
  #inWords (text: string): string {
    return text.replaceAll(/\bdocument (\d+)(: )?/g, (words, number: string, colon: string | undefined, at: number) => {
      const file = this.#files[Number(number)]
      if (file === undefined) return words
      if (colon !== undefined && text.startsWith(file, at + words.length)) return ''
      return `${file}, document ${this.#within(file, Number(number))}${colon ?? ''}`
    })
  }

  #within (file: string, document: number): number {
    return document - (this.#starts.get(file) ?? 0)
  }
}
