// Proactive content negotiation (RFC 9110, 12.5.1): quality values, ranges such as `text/*`, the most specific range deciding about
// a type. Parameters other than `q` make no difference: clients that accept `application/json; charset=utf-8` mean JSON, which
// negotiators that compare parameters refuse them.

interface Range {
  readonly type: string
  readonly subtype: string
  readonly quality: number
}

const rangePattern = /^\s*([\w!#$%&'*+.^`|~-]+)\/([\w!#$%&'*+.^`|~-]+)\s*(;.*)?$/
const qualityPattern = /;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|$)/i

/**
 * @param available media types, the server's favourite first
 * @returns the one that the client likes best; of several that it likes as much the one it names first; null: none
 */
export function preferredType (accept: string, available: readonly string[]): string | null {
  const ranges = accept.split(',').flatMap(parseRange)
  // an empty header, or one in which nothing can be read, says as much as none
  if (ranges.length === 0) return available[0] ?? null
  let best: { type: string, quality: number, position: number } | null = null
  for (const type of available) {
    const position = decidingRange(ranges, type)
    const quality = ranges[position]?.quality ?? 0
    if (quality === 0) continue
    const better = best === null || quality > best.quality || (quality === best.quality && position < best.position)
    if (better) best = { type, quality, position }
  }
  return best?.type ?? null
}

function parseRange (text: string): Range[] {
  const [, type, subtype, parameters = ''] = rangePattern.exec(text) ?? []
  if (type === undefined || subtype === undefined) return []
  return [{ type: type.toLowerCase(), subtype: subtype.toLowerCase(), quality: Number(qualityPattern.exec(parameters)?.[1] ?? 1) }]
}

/** Index of the most specific range that fits; -1: none does. */
function decidingRange (ranges: readonly Range[], mediaType: string): number {
  const [type, subtype] = mediaType.split('/')
  const exact = ranges.findIndex((range) => range.type === type && range.subtype === subtype)
  if (exact !== -1) return exact
  const family = ranges.findIndex((range) => range.type === type && range.subtype === '*')
  return family !== -1 ? family : ranges.findIndex((range) => range.type === '*' && range.subtype === '*')
}
