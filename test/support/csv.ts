// A reader of CSV, written from the grammar and not from the writer.

/** RFC 4180 by its grammar, as an oracle of the writer. */
export function readCsv (text: string): string[][] {
  const records: string[][] = [[]]
  const field = /"((?:[^"]|"")*)"|([^",\r\n]*)/y
  for (let at = 0; at < text.length;) {
    field.lastIndex = at
    const match = field.exec(text)
    if (match === null) throw new Error(`no field at ${at}`)
    records.at(-1)?.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
    at = field.lastIndex
    if (text.startsWith('\r\n', at)) {
      records.push([])
      at += 2
    } else if (text[at] === ',') at++
    else throw new Error(`neither comma nor end of line at ${at}`)
  }
  records.pop()
  return records
}
