// How wide a text will be, without a font at hand: what is set apart by these figures does not overlap in the wider of the usual
// sans-serif fonts (DejaVu Sans), and is a little loose in the others.

const narrow = /[ijlI.,:;|!'()[\]/ ]/
const wide = /[mwMW@%]/
const small = /[a-z0-9+\-=<>_"#$&*?^~\\{}]/
const ascii = /[ -~]/

/** @returns pixels at that size of font, in pixels */
export function textWidth (text: string, size: number): number {
  let ems = 0
  for (const character of text) ems += emsOf(character)
  return ems * size
}

function emsOf (character: string): number {
  if (narrow.test(character)) return 0.4
  if (wide.test(character)) return 0.99
  if (small.test(character)) return 0.64
  return ascii.test(character) ? 0.75 : 1
}

/** The text, or as much of its ends as fits around an ellipsis: names that begin alike differ at their end. */
export function fitText (text: string, size: number, width: number): string {
  if (textWidth(text, size) <= width) return text
  const characters = [...text]
  for (let kept = characters.length - 1; kept > 1; kept--) {
    const shorter = `${characters.slice(0, Math.ceil(kept / 2)).join('')}…${characters.slice(-Math.floor(kept / 2)).join('')}`
    if (textWidth(shorter, size) <= width) return shorter
  }
  return `${characters[0] ?? ''}…`
}

/** Lines of whole words; a word that is wider than a line is cut. */
export function wrapText (text: string, size: number, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`
    if (lines.length > 0 && textWidth(longer, size) <= width) lines[lines.length - 1] = longer
    else lines.push(fitText(word, size, width))
  }
  return lines
}
