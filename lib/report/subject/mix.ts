// A mix: a cluster given by service sizes alone, `700x3,200x10,80x40,20x160` = 700 services with 3 backends, and so
// on. It is what people know by heart about their cluster, and enough for memory and cost.

export interface MixPart {
  readonly services: number
  /** backends of each of these services */
  readonly backends: number
}

export const mixLimits = {
  parts: 64,
  /** revNAT ids are 16 bits and 0 means none */
  services: 65535,
  /** `count` of a service entry is 16 bits */
  backendsPerService: 65535
} as const

export type MixResult = { readonly ok: true, readonly parts: readonly MixPart[] } | { readonly ok: false, readonly message: string }

const refuse = (message: string): MixResult => ({ ok: false, message })

/** @param text parts `<services>x<backends>` separated by commas; parts of equal size are added up, order by size */
export function parseMix (text: string): MixResult {
  const words = text.split(',').map((word) => word.trim())
  if (words.length > mixLimits.parts) return refuse(`a mix has at most ${mixLimits.parts} parts, this one has ${words.length}`)
  const bySize = new Map<number, number>()
  for (const [index, word] of words.entries()) {
    const match = /^(\d{1,9})x(\d{1,9})$/.exec(word)
    if (match === null) return refuse(`part ${index + 1} of the mix, "${word.slice(0, 40)}", is not <services>x<backends> as in 700x3`)
    const services = Number(match[1])
    const backends = Number(match[2])
    if (services === 0) return refuse(`part ${index + 1} of the mix, "${word}", has no service`)
    if (backends > mixLimits.backendsPerService) {
      return refuse(`part ${index + 1} of the mix, "${word}": a service has at most ${mixLimits.backendsPerService} backends`)
    }
    bySize.set(backends, (bySize.get(backends) ?? 0) + services)
  }
  const parts = [...bySize].map(([backends, services]) => ({ services, backends })).sort((a, b) => a.backends - b.backends)
  const services = parts.reduce((sum, part) => sum + part.services, 0)
  if (services > mixLimits.services) return refuse(`a mix has at most ${mixLimits.services} services, this one has ${services}`)
  return { ok: true, parts }
}

export const formatMix = (parts: readonly MixPart[]): string => parts.map((part) => `${part.services}x${part.backends}`).join(',')
