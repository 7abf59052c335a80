// Where a text stops being JSON. V8's messages name a position only sometimes and in words that change between
// versions, so a text that JSON.parse has refused is scanned again (RFC 8259), in a loop, without building anything.

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const stringBody = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y // eslint-disable-line no-control-regex
const blank = /[ \t\r\n]*/y

export interface TextFault {
  /** what was expected there */
  readonly expected: string
  readonly offset: number
}

/** The first place where `text` breaks the grammar; null when it is JSON. */
export function findJsonFault (text: string): TextFault | null {
  const open: Array<'{' | '['> = []
  let offset = 0
  const skip = (pattern: RegExp): number => {
    pattern.lastIndex = offset
    const length = pattern.exec(text)?.[0].length ?? 0
    offset += length
    return length
  }
  const take = (character: string): boolean => {
    skip(blank)
    if (text[offset] !== character) return false
    offset++
    return true
  }
  const scalar = (): string | null => {
    for (const word of ['true', 'false', 'null']) {
      if (text.startsWith(word, offset)) {
        offset += word.length
        return null
      }
    }
    if (text[offset] === '"') return closedString()
    return skip(number) > 0 ? null : 'a value'
  }
  const closedString = (): string | null => {
    if (skip(stringBody) === 0) return 'a string in double quotes'
    if (text[offset] !== '"') return 'the end of the string, or a valid character or escape in it'
    offset++
    return null
  }
  const memberName = (): string | null => {
    skip(blank)
    return closedString() ?? (take(':') ? null : '":"')
  }
  const fault = (expected: string): TextFault => ({ expected, offset })

  for (;;) {
    // a value starts here
    let closed: boolean
    if (take('{')) {
      open.push('{')
      closed = take('}')
      const wrong = closed ? null : memberName()
      if (wrong !== null) return fault(wrong)
    } else if (take('[')) {
      open.push('[')
      closed = take(']')
    } else {
      const wrong = scalar()
      if (wrong !== null) return fault(wrong)
      closed = false
      if (open.length === 0) break
      const outcome = afterValue()
      if (outcome === 'done') break
      if (outcome === 'value') continue
      return outcome
    }
    if (!closed) continue
    open.pop()
    if (open.length === 0) break
    const outcome = afterValue()
    if (outcome === 'done') break
    if (outcome !== 'value') return outcome
  }
  skip(blank)
  return offset === text.length ? null : fault('the end of the text')

  // a value has ended inside an object or array: the next one starts, or what holds it ends too
  function afterValue (): 'value' | 'done' | TextFault {
    while (open.length > 0) {
      const holder = open.at(-1)
      if (take(',')) {
        const wrong = holder === '{' ? memberName() : null
        return wrong === null ? 'value' : fault(wrong)
      }
      if (!take(holder === '{' ? '}' : ']')) return fault(holder === '{' ? '"," or "}"' : '"," or "]"')
      open.pop()
    }
    return 'done'
  }
}

/** Line and column (from 1) of an offset. */
export function lineAndColumn (text: string, offset: number): { line: number, column: number } {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  return { line, column: offset - before.lastIndexOf('\n') }
}
