// The writes of single map entries: what a frontend, its slots, its revNAT id, its affinities and source ranges, a backend and a wildcard
// address are as bytes. A plan for a large cluster is mostly these, so they hold what they need and make the bytes only when they are
// written.

import {
  backendStateNumbers, encodeAffinityMatchKey, encodeBackendValue, encodePresence, encodeRevNatId, encodeReverseNatValue, encodeServiceKey,
  encodeServiceValue, encodeSourceRangeKey, encodeU32, frontendWord, protocolNumbers, scopeNumbers
} from '../datapath/index.ts'
import { parseAddress } from '../maglev/index.ts'
import type { BackendState, Family } from '../maglev/index.ts'
import type { Cidr } from './cidr.ts'
import type { FlagBits } from './flags.ts'
import type { RealisedFrontend, RealisedSlot } from './realised.ts'
import { familyOf } from './service.ts'
import type { Backend } from './service.ts'
import type { EntryWrite } from './write-set.ts'

/** slot 0: the frontend itself */
export class FrontendWrite implements EntryWrite {
  readonly map = 'services'
  readonly removes: boolean
  readonly #frontend: RealisedFrontend

  constructor (frontend: RealisedFrontend, removes: boolean) {
    this.#frontend = frontend
    this.removes = removes
  }

  get family (): Family {
    return familyOf(this.#frontend.frontend.address)
  }

  key (): Uint8Array {
    return serviceKeyBytes(this.#frontend, 0)
  }

  value (): Uint8Array {
    const { word, count, id: revNatId, flags, qcount: quarantinedCount } = this.#frontend
    return encodeServiceValue({ word, count, revNatId, flags: flags & 0xff, flags2: flags >>> 8, quarantinedCount })
  }
}

/** a backend in a slot of a frontend; null: the slot goes */
export class SlotWrite implements EntryWrite {
  readonly map = 'services'
  readonly #frontend: RealisedFrontend
  readonly #slot: number
  readonly #content: RealisedSlot | null

  constructor (frontend: RealisedFrontend, slot: number, content: RealisedSlot | null) {
    this.#frontend = frontend
    this.#slot = slot
    this.#content = content
  }

  get family (): Family {
    return familyOf(this.#frontend.frontend.address)
  }

  get removes (): boolean {
    return this.#content === null
  }

  key (): Uint8Array {
    return serviceKeyBytes(this.#frontend, this.#slot)
  }

  value (): Uint8Array {
    const { flags, backendId } = this.#content ?? noContent
    return serviceValue(backendId, this.#frontend.id, flags)
  }
}

/** the entry that catches an address's unknown ports; null: it goes */
export class WildcardWrite implements EntryWrite {
  readonly map = 'services'
  readonly #address: string
  readonly #flags: FlagBits | null

  constructor (address: string, flags: FlagBits | null) {
    this.#address = address
    this.#flags = flags
  }

  get family (): Family {
    return familyOf(this.#address)
  }

  get removes (): boolean {
    return this.#flags === null
  }

  key (): Uint8Array {
    return encodeServiceKey({ address: bytesOf(this.#address), port: 0, slot: 0, protocol: ANY, scope: scopeNumbers.external })
  }

  value (): Uint8Array {
    const flags = this.#flags ?? 0
    return serviceValue(frontendWord(0), 0, flags)
  }
}

export class RevNatWrite implements EntryWrite {
  readonly map = 'revNat'
  readonly removes: boolean
  readonly #frontend: RealisedFrontend

  constructor (frontend: RealisedFrontend, removes: boolean) {
    this.#frontend = frontend
    this.removes = removes
  }

  get family (): Family {
    return familyOf(this.#frontend.frontend.address)
  }

  key (): Uint8Array {
    return encodeRevNatId(this.#frontend.id)
  }

  value (): Uint8Array {
    const { address, port } = this.#frontend.frontend
    return encodeReverseNatValue({ address: bytesOf(address), port })
  }
}

/** a backend that the clients of a frontend may stay with */
export class AffinityMatchWrite implements EntryWrite {
  readonly map = 'affinityMatch'
  readonly family: Family
  readonly removes: boolean
  readonly #revNatId: number
  readonly #backendId: number

  constructor ({ id, frontend }: RealisedFrontend, backendId: number, removes: boolean) {
    this.family = familyOf(frontend.address)
    this.removes = removes
    this.#revNatId = id
    this.#backendId = backendId
  }

  key (): Uint8Array {
    return encodeAffinityMatchKey({ backendId: this.#backendId, revNatId: this.#revNatId })
  }

  value (): Uint8Array {
    return encodePresence()
  }
}

/** clients that a frontend is for, or not for */
export class SourceRangeWrite implements EntryWrite {
  readonly map = 'sourceRange'
  readonly family: Family
  readonly removes: boolean
  readonly #revNatId: number
  readonly #cidr: Cidr

  constructor ({ id, frontend }: RealisedFrontend, cidr: Cidr, removes: boolean) {
    this.family = familyOf(frontend.address)
    this.removes = removes
    this.#revNatId = id
    this.#cidr = cidr
  }

  key (): Uint8Array {
    return encodeSourceRangeKey({ revNatId: this.#revNatId, address: this.#cidr.address.bytes, bits: this.#cidr.bits })
  }

  value (): Uint8Array {
    return encodePresence()
  }
}

/** null state: the backend goes */
export class BackendWrite implements EntryWrite {
  readonly map = 'backends'
  readonly #id: number
  readonly #backend: Backend
  readonly #state: BackendState | null

  constructor (id: number, backend: Backend, state: BackendState | null) {
    this.#id = id
    this.#backend = backend
    this.#state = state
  }

  get family (): Family {
    return familyOf(this.#backend.address)
  }

  get removes (): boolean {
    return this.#state === null
  }

  key (): Uint8Array {
    return encodeU32(this.#id)
  }

  value (): Uint8Array {
    const { address, port, protocol } = this.#backend
    const state = this.#state ?? 'active'
    // The datapath does not care whether a terminating backend still serves.
    const flags = backendStateNumbers[state === 'terminating-not-serving' ? 'terminating' : state]
    return encodeBackendValue({ address: bytesOf(address), port, protocol: protocolNumbers[protocol], flags, clusterId: 0, zone: 0 })
  }
}

const noContent: RealisedSlot = { backendId: 0, flags: 0 }

/** of an entry that counts no backends */
function serviceValue (word: number, revNatId: number, flags: FlagBits): Uint8Array {
  return encodeServiceValue({ word, count: 0, revNatId, flags: flags & 0xff, flags2: flags >>> 8, quarantinedCount: 0 })
}

const { ANY } = protocolNumbers

function serviceKeyBytes ({ frontend, hasProtocolInKey }: RealisedFrontend, slot: number): Uint8Array {
  const { address, port, scope = 'external' } = frontend
  const protocol = hasProtocolInKey ? protocolNumbers[frontend.protocol] : ANY
  return encodeServiceKey({ address: bytesOf(address), port, slot, protocol, scope: scopeNumbers[scope] })
}

let last: { address: string, bytes: Uint8Array } = { address: '', bytes: new Uint8Array() }

/** the entries of a frontend are made one after the other: its address is read once */
function bytesOf (address: string): Uint8Array {
  if (last.address === address) return last.bytes
  const parsed = parseAddress(address)
  if (parsed === null) throw new TypeError(`${address} is no canonical address`)
  last = { address, bytes: parsed.bytes }
  return parsed.bytes
}
