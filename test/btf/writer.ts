// Writes BTF for tests: types in order, [1] first.

export interface RawBtfType {
  readonly name?: string
  readonly kind: number
  readonly flag?: boolean
  readonly vlen?: number
  /** size or type id, whichever the kind has in the third word */
  readonly word?: number
  /** words behind the fixed part; a string is put as its offset in the strings */
  readonly rest?: ReadonlyArray<number | string>
}

export const kinds = {
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  func_proto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  decl_tag: 17,
  type_tag: 18,
  enum64: 19
} as const

export class BtfWriter {
  #text = '\0'

  string (text: string): number {
    if (text === '') return 0
    const at = this.#text.indexOf(`\0${text}\0`)
    if (at >= 0) return at + 1
    this.#text += `${text}\0`
    return this.#text.length - text.length - 1
  }

  write (types: readonly RawBtfType[]): Uint8Array {
    const words = types.flatMap(({ name = '', kind, flag = false, vlen = 0, word = 0, rest = [] }) => [
      this.string(name), (flag ? 0x80000000 : 0) | kind << 24 | vlen, word,
      ...rest.map((item) => typeof item === 'string' ? this.string(item) : item)
    ])
    const text = Buffer.from(this.#text, 'latin1')
    const bytes = new Uint8Array(24 + words.length * 4 + text.length)
    const view = new DataView(bytes.buffer)
    view.setUint32(0, 0x0001eb9f, true)
    const header = [24, 0, words.length * 4, words.length * 4, text.length]
    header.forEach((value, index) => view.setUint32(4 + index * 4, value, true))
    words.forEach((value, index) => view.setUint32(24 + index * 4, value, true))
    bytes.set(text, 24 + words.length * 4)
    return bytes
  }
}
