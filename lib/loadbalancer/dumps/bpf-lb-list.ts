// `cilium-dbg bpf lb list`: what lies in the services map, resolved to addresses. As JSON an object of lists of texts, in two shapes: until
// about 1.15 a key for each frontend that has all its slots, later a key for each slot, with protocol. 1.9 printed no slot numbers. As text
// the same in two columns.

import { defaultWeight, frontendTypes, isSurrogate } from '../service.ts'
import type { LbPlace, LbResult } from '../errors.ts'
import { done, pointerStep, refusePlaces } from '../errors.ts'
import { isRecord } from '../k8s/fields.ts'
import { limits } from '../limits.ts'
import { parseDumpedEndpoint } from './frontends.ts'
import type { DumpedBackend, DumpedEndpoint, DumpedFrontend } from './frontends.ts'
import { readListFlags } from './list-flags.ts'
import type { Steps } from '../steps.ts'
import type { FrontendList, LeftOut } from './service-list.ts'
import { columnsOf, documentText, LINES_PER_STEP, quoted, TextProblems } from './texts.ts'
import type { ReadText } from './texts.ts'

/** Objects all of whose members are lists of texts under addresses with ports. */
export function isBpfLbList (document: unknown): document is Readonly<Record<string, unknown>> {
  if (!isRecord(document)) return false
  const names = Object.keys(document)
  return names.length > 0 && names.every(name => /^\S+:\d+\S*( \(\d+\))?$/.test(name) && Array.isArray(document[name]))
}

/** Pauses now and then. @param pointer of the document */
export function * readBpfLbList (document: Readonly<Record<string, unknown>>, pointer: string): Steps<LbResult<FrontendList>> {
  const collected = new Frontends()
  const places: LbPlace[] = []
  for (const [number, [key, values]] of Object.entries(document).entries()) {
    if (number % LINES_PER_STEP === 0) yield
    for (const [index, value] of (values as unknown[]).entries()) {
      const at = `${pointer}${pointerStep(key)}/${index}`
      const wrong = typeof value === 'string' ? collected.add(key, value, at, `${documentText(pointer)}, ${key}`) : 'text is expected here'
      if (wrong !== null && places.length < limits.places) places.push({ pointer: at, detail: wrong })
    }
  }
  return places.length > 0 ? refusePlaces('INVALID_DOCUMENT', places) : done(collected.list())
}

/** @param pointer of the document. @param file in words */
export function * readBpfLbListText ({ head, lines }: ReadText, pointer: string, file: string): Steps<LbResult<FrontendList>> {
  const collected = new Frontends()
  const problems = new TextProblems(pointer, file)
  const starts = [0, head.text.indexOf('BACKEND ADDRESS')]
  let key = ''
  for (const [index, line] of lines.entries()) {
    if (index % LINES_PER_STEP === 0) yield
    const [address = '', value = ''] = columnsOf(line.text, starts)
    if (address !== '') key = address
    const wrong = key === '' ? 'a backend stands before the first service address' : collected.add(key, value, pointer, problems.placeOf(line))
    if (wrong !== null) problems.wrong(line, wrong)
  }
  return problems.or(collected.list())
}

interface Slot {
  /** null: 1.9 does not say */
  readonly slot: number | null
  readonly backend: DumpedBackend
}

interface Collecting {
  readonly pointer: string
  readonly place: string
  readonly endpoint: DumpedEndpoint
  readonly slots: Slot[]
  id: number | null
  /** what stands in brackets behind slot 0 */
  flags: string | null
  l7ProxyPort: number | null
}

/** Puts slots together to frontends, in whatever order they come. */
class Frontends {
  readonly #frontends = new Map<string, Collecting>()
  readonly #leftOut: LeftOut[] = []

  /** @returns what is wrong, or null */
  add (key: string, value: string, pointer: string, place: string): string | null {
    const [, address = key] = /^(.*?) \(\d{1,5}\)$/.exec(key) ?? []
    const endpoint = parseDumpedEndpoint(address)
    if (endpoint === null) return `${quoted(key)} is not ADDRESS:PORT[/PROTOCOL] [(SLOT)]`
    let frontend = this.#frontends.get(address)
    if (frontend === undefined) {
      frontend = { pointer, place, endpoint, slots: [], id: null, flags: null, l7ProxyPort: null }
      this.#frontends.set(address, frontend)
    }
    const dangling = /^backend \d+ not found/.exec(value)
    if (dangling !== null) {
      this.#leftOut.push({ pointer, name: key, reason: `${dangling[0]}: the slot refers to a backend that is not in the backends map` })
      return null
    }
    const match = /^(\S+) \((\d{1,5})\)(?: \((\d{1,5})\))?(?: \[([^\]]*)\])?(?: \(L7LB Proxy Port: (\d{1,5})\))?\s*$/.exec(value)
    const to = match === null ? null : parseDumpedEndpoint(match[1] ?? '')
    if (match === null || to === null) return `${quoted(value)} is not ADDRESS:PORT[/PROTOCOL] (REVNAT_ID) (SLOT) [FLAGS]`
    const id = Number(match[2])
    if (frontend.id !== null && frontend.id !== id) return `revNAT ids ${frontend.id} and ${id} stand under one address; protocols cannot be told apart here, take cilium-dbg service list`
    frontend.id = id
    if (isSurrogate(to.address) && to.port === 0) {
      frontend.flags = match[4] ?? ''
      // 0: none is set
      frontend.l7ProxyPort = Number(match[5] ?? 0) || null
    } else if (to.port === 0) return `${quoted(value)} has port 0`
    else frontend.slots.push({ slot: match[3] === undefined ? null : Number(match[3]), backend: { address: to.address, port: to.port, protocol: to.protocol, state: 'active', weight: defaultWeight } })
    return null
  }

  list (): FrontendList {
    const frontends: DumpedFrontend[] = []
    const leftOut = [...this.#leftOut]
    for (const [name, { pointer, place, endpoint, id, flags, l7ProxyPort, slots }] of this.#frontends) {
      const { type, word, traits, lost } = readListFlags(flags, l7ProxyPort)
      if (endpoint.port === 0) leftOut.push({ pointer, name, reason: 'the wildcard entry of an address follows from its frontends' })
      else if (type === undefined) leftOut.push({ pointer, name, reason: `type ${quoted(word)} is not one of ${frontendTypes.join(', ')}` })
      else {
        const backends = slots.sort((one, other) => (one.slot ?? 0) - (other.slot ?? 0)).map(({ backend }) => backend)
        frontends.push({ pointer, place, id, ...endpoint, type, service: null, backends, traits, lost })
      }
    }
    return { frontends, leftOut }
  }
}
