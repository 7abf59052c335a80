// The load-time constants of the balancer's program as bytes, and back; config.h says the same in C.

/** The program's constants (config.h), each a u32 unless said. */
export interface LoadTimeConstants {
  /** second and third word of the Maglev seed */
  readonly hashInit4Seed: number
  readonly hashInit6Seed: number
  /** M of the layouts which have one M for all services */
  readonly maglevTableSize: number
  /** index of `selections` */
  readonly selection: number
  /** 1: keys of services without protocol and the flow hash, as of Cilium up to 1.16 */
  readonly upTo116: number
  /** 1: the reader of Cilium 1.9.0 to 1.9.6 */
  readonly halfTable: number
  readonly fragments4: number
  readonly fragments6: number
  readonly conntrack: number
  /** index of `forwardings` */
  readonly forwarding: number
  /** index of `dispatches` */
  readonly dispatch: number
  /** 1: for packets of the node's own pods */
  readonly eastWest: number
  /** seconds */
  readonly ctTimeoutTcp: number
  readonly ctTimeoutSyn: number
  readonly ctTimeoutClosing: number
  readonly ctTimeoutAny: number
  /** 4 bytes; zeros: the service's address */
  readonly directRouting4: Uint8Array
  /** 16 bytes */
  readonly directRouting6: Uint8Array
}

/** by the numbers of config.h: how a backend is selected; `said`: a service's own algorithm goes first */
export const selections = ['maglev', 'random', 'maglev-or-said', 'random-or-said'] as const
/** how packets reach it: rewritten, answered directly by it, the latter for TCP alone, as the service says */
export const forwardings = ['translated', 'direct-return', 'hybrid', 'as-said'] as const
/** how it is told for direct return */
export const dispatches = ['option', 'ipip'] as const

/** what an object has by itself */
export const defaultConstants: LoadTimeConstants = {
  hashInit4Seed: 1910299206,
  hashInit6Seed: 2454738568,
  maglevTableSize: 16381,
  selection: 0,
  upTo116: 0,
  halfTable: 0,
  fragments4: 1,
  fragments6: 1,
  conntrack: 0,
  forwarding: 0,
  dispatch: 0,
  eastWest: 0,
  ctTimeoutTcp: 8000,
  ctTimeoutSyn: 60,
  ctTimeoutClosing: 60,
  ctTimeoutAny: 60,
  directRouting4: new Uint8Array(4),
  directRouting6: new Uint8Array(16)
}

const constantNames = [
  'hashInit4Seed', 'hashInit6Seed', 'maglevTableSize', 'selection', 'upTo116', 'halfTable', 'fragments4', 'fragments6', 'conntrack',
  'forwarding', 'dispatch', 'eastWest', 'ctTimeoutTcp', 'ctTimeoutSyn', 'ctTimeoutClosing', 'ctTimeoutAny'
] as const satisfies readonly (keyof LoadTimeConstants)[]

/** As they lie at the beginning of .rodata: the numbers in the order above, then the two addresses. Behind them is what a layout has. */
export function encodeLoadTimeConstants (constants: LoadTimeConstants): Uint8Array {
  const at = 4 * constantNames.length
  const bytes = new Uint8Array(at + 20)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  constantNames.forEach((name, index) => { view.setUint32(4 * index, constants[name], true) })
  bytes.set(constants.directRouting4, at)
  bytes.set(constants.directRouting6, at + 4)
  return bytes
}

/** @param contents of an object's .rodata: the constants come first. @returns a copy with these constants in place of those it has */
export function withLoadTimeConstants (contents: Uint8Array, constants: Partial<LoadTimeConstants>): Uint8Array {
  const bytes = Uint8Array.from(contents)
  bytes.set(encodeLoadTimeConstants({ ...decodeLoadTimeConstants(contents), ...constants }))
  return bytes
}

export function decodeLoadTimeConstants (bytes: Uint8Array): LoadTimeConstants {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const at = 4 * constantNames.length
  const numbers = Object.fromEntries(constantNames.map((name, index) => [name, view.getUint32(4 * index, true)]))
  const addresses = { directRouting4: bytes.slice(at, at + 4), directRouting6: bytes.slice(at + 4, at + 20) }
  return { ...numbers as Record<typeof constantNames[number], number>, ...addresses }
}
