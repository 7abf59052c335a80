// A table as text that people can read: `id(length)` per run of equal slots, as Cilium's own tests print it.

export function runLengthText (ids: Uint32Array): string {
  const runs: string[] = []
  for (let start = 0; start < ids.length;) {
    let end = start
    while (end < ids.length && ids[end] === ids[start]) end++
    runs.push(`${ids[start]}(${end - start})`)
    start = end
  }
  return runs.join(',')
}

/** @returns null for text of another form, or of a table longer than `maximumSlots` */
export function parseRunLength (text: string, maximumSlots: number): Uint32Array | null {
  const runs: { id: number, length: number }[] = []
  let slots = 0
  for (const run of text === '' ? [] : text.split(',')) {
    const match = /^\s*(\d{1,10})\((\d{1,8})\)\s*$/.exec(run)
    if (match === null) return null
    const [id, length] = [Number(match[1]), Number(match[2])]
    slots += length
    if (id > 0xffffffff || length === 0 || slots > maximumSlots) return null
    runs.push({ id, length })
  }
  const ids = new Uint32Array(slots)
  let at = 0
  for (const { id, length } of runs) ids.fill(id, at, at += length)
  return ids
}
