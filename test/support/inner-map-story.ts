// The story that the patch series for BPF_F_INNER_MAP tested: inner arrays of different sizes behind an array and a hash of
// maps, looked up by a program, replaced, refused. Told to anything that has bpf(2)'s commands; answers are 0 or a value,
// or -errno, so that two machines can be compared line by line.

export interface StoryMachine {
  /** @returns descriptor or -errno */
  createArray (maxEntries: number, flags: number): number
  outer (name: 'outer_array' | 'outer_hash'): number
  update (fd: number, key: number, value: number, flags?: number): number
  delete (fd: number, key: number): number
  /** @returns the value or -errno */
  lookup (fd: number, key: number): number
  /** writes the slot and the index that the program reads, runs it, returns what it saw through the array and the hash */
  see (slot: number, index: number): readonly [number, number]
  close (fd: number): void
}

export const BPF_F_INNER_MAP = 0x1000
const OUTERS = ['outer_array', 'outer_hash'] as const

/** @returns what happened, one line per step */
export function tellInnerMapStory (machine: StoryMachine): string[] {
  const lines: string[] = []
  const say = (what: string, result: number | readonly number[]): void => { lines.push(`${what}: ${Array.isArray(result) ? result.join(' ') : result}`) }
  const inners = [1, 3, 5].map((entries) => filledArray(machine, entries, BPF_F_INNER_MAP))

  say('nothing there', machine.see(0, 0))
  inners.forEach((inner, slot) => {
    for (const outer of OUTERS) say(`${outer}[${slot}] = array of ${[1, 3, 5][slot]}`, machine.update(machine.outer(outer), slot, inner))
  })
  for (const slot of [0, 1, 2]) for (const index of [0, 2, 4, 5]) say(`slot ${slot} index ${index}`, machine.see(slot, index))

  say('write through the inner map', machine.update(inners[1] ?? -1, 2, 777))
  say('seen at once', machine.see(1, 2))
  for (const outer of OUTERS) say(`${outer}[0] replaced by array of 5`, machine.update(machine.outer(outer), 0, inners[2] ?? -1))
  say('index 4 is there now', machine.see(0, 4))

  const refused: ReadonlyArray<readonly [string, number, number]> = [['same size without the flag', 1, 0], ['other size without the flag', 7, 0]]
  for (const [what, entries, flags] of refused) {
    const inner = filledArray(machine, entries, flags)
    for (const outer of OUTERS) say(`${outer}: ${what}`, machine.update(machine.outer(outer), 0, inner))
    machine.close(inner)
  }
  for (const outer of OUTERS) say(`${outer}: update an outer map with itself`, machine.update(machine.outer(outer), 0, machine.outer(outer)))
  say('still the array of 5', machine.see(0, 4))
  for (const outer of OUTERS) say(`${outer}: delete`, machine.delete(machine.outer(outer), 2))
  for (const outer of OUTERS) say(`${outer}: delete again`, machine.delete(machine.outer(outer), 2))
  say('gone', machine.see(2, 0))
  for (const outer of OUTERS) say(`${outer}: slot beyond an array of 3`, machine.update(machine.outer(outer), 3, inners[0] ?? -1))
  for (const inner of inners) machine.close(inner)
  say('kept by the outer maps', machine.see(1, 1))
  say('NOEXIST on a present key of the hash', machine.update(machine.outer('outer_hash'), 1, machine.outer('outer_array'), 1))
  return lines
}

function filledArray (machine: StoryMachine, entries: number, flags: number): number {
  const fd = machine.createArray(entries, flags)
  for (let index = 0; index < entries; index++) machine.update(fd, index, entries * 100 + index)
  return fd
}
