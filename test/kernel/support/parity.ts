// What docs/kernel-parity.json says, and the sentence of the README that quotes it.

export interface Parity {
  readonly kernel: string
  readonly date: string
  readonly compared: number
  readonly differing: number
  readonly suites: ReadonlyArray<{ readonly suite: string, readonly compared: number, readonly differing: number }>
}

const sentence = /(<!-- parity -->)[\s\S]*?(<!-- \/parity -->)/

export function paritySentence ({ kernel, date, compared, differing }: Parity): string {
  return `${compared.toLocaleString('en-US')} comparisons with Linux ${kernel}, ${differing} differing (${date})`
}

/** @returns the README with the sentence of this tally */
export function quoteParity (readme: string, parity: Parity): string {
  return readme.replace(sentence, `$1${paritySentence(parity)}$2`)
}
