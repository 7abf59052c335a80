// Whether a name is nearly one that is read: in another case, or with one letter more, less, or other, or two in each other's place.

/** @returns the known name that is meant; undefined: none, or it is one itself */
export function nearly (name: string, known: readonly string[]): string | undefined {
  return known.includes(name) ? undefined : known.find((one) => isNear(name.toLowerCase(), one.toLowerCase()))
}

function isNear (name: string, other: string): boolean {
  if (Math.abs(name.length - other.length) > 1) return false
  let start = 0
  while (start < name.length && name[start] === other[start]) start++
  let end = 0
  while (end < Math.min(name.length, other.length) - start && name.at(-1 - end) === other.at(-1 - end)) end++
  const [one, two] = [name.slice(start, name.length - end), other.slice(start, other.length - end)]
  return (one.length <= 1 && two.length <= 1) || (one.length === 2 && one === [...two].reverse().join(''))
}
