// A small reader of XML, as strict as browsers are about SVG files: what it takes is well-formed. HTML is read the same way, where its
// void elements and its doctype are allowed for.

export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: ReadonlyArray<Element | string>
}

const voids = new Set(['meta', 'link', 'br', 'hr', 'img', 'input', 'wbr', 'col'])
const tagPattern = /<(\/?)([A-Za-z][\w:-]*)((?:\s+[A-Za-z_][\w:.-]*(?:="[^"<]*")?)*)\s*(\/?)>/y
const attributePattern = /([A-Za-z_][\w:.-]*)(?:="([^"<]*)")?/g

/** @throws Error that names the offset of what is wrong */
export function readMarkup (text: string, language: 'xml' | 'html'): Element {
  const root: Element & { children: Array<Element | string> } = { name: '', attributes: {}, children: [] }
  const open = [root]
  let at = language === 'html' ? /^<!doctype html>/.exec(text)?.[0].length ?? fail(0, 'no doctype') : 0
  while (at < text.length) {
    const current = open.at(-1) ?? root
    const next = text.indexOf('<', at)
    const raw = text.slice(at, next === -1 ? text.length : next)
    if (raw !== '') current.children.push(current.name === 'style' ? raw : unescapeText(raw, at))
    if (next === -1) break
    tagPattern.lastIndex = next
    const [whole, closing, name = '', attributes = '', single] = tagPattern.exec(text) ?? fail(next, `no tag: ${text.slice(next, next + 40)}`)
    at = next + whole.length
    if (closing === '/') {
      if (open.pop()?.name !== name || open.length === 0) fail(next, `</${name}> closes nothing that is open`)
      continue
    }
    const element = { name, attributes: readAttributes(attributes, next), children: [] }
    current.children.push(element)
    if (single !== '/' && !(language === 'html' && voids.has(name))) open.push(element)
  }
  if (open.length > 1) fail(text.length, `<${open.at(-1)?.name}> is left open`)
  return root
}

export function elementsOf (element: Element, name?: string): Element[] {
  return element.children.flatMap((child) => typeof child === 'string'
    ? []
    : [...(name === undefined || child.name === name ? [child] : []), ...elementsOf(child, name)])
}

export const textOf = (element: Element): string => element.children.map((child) => typeof child === 'string' ? child : textOf(child)).join('')

function readAttributes (text: string, at: number): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (const [, name = '', value = ''] of text.matchAll(attributePattern)) {
    if (Object.hasOwn(attributes, name)) fail(at, `attribute ${name} twice`)
    attributes[name] = unescapeText(value, at)
  }
  return attributes
}

const entities: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" }

function unescapeText (text: string, at: number): string {
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u.test(text)) fail(at, 'a character that XML cannot hold')
  return text.replace(/&[^;]*;?/g, (entity) => entities[entity] ?? fail(at, `entity ${entity}`))
}

function fail (at: number, what: string): never {
  throw new Error(`offset ${at}: ${what}`)
}
