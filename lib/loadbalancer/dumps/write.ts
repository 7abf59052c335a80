// A node's services in the shapes of Cilium's own commands: `service list` from what its agent has realised, `bpf lb list` and
// `bpf lb maglev list` read back from the bytes in its maps.

import {
  decodeBackendValue, decodeServiceKey, decodeServiceValue, decodeU32, protocolNumbers, scopeNumbers, serviceFlags, serviceFlags2,
  splitProxyPortWord
} from '../../datapath/index.ts'
import { addressFromBytes, runLengthText } from '../../maglev/index.ts'
import { flagsText } from '../flags.ts'
import type { LbNode } from '../node.ts'
import type { LbMaps } from '../ports.ts'
import type { RealisedFrontend } from '../realised.ts'
import { hostPortText, namesOf, surrogateAddress } from '../service.ts'
import type { Backend, Frontend } from '../service.ts'
import { families } from '../write-set.ts'

/** `cilium-dbg service list -o json`, by revNAT id */
export function serviceListJson (node: LbNode): unknown[] {
  return node.frontends().map(frontend => {
    const spec = {
      'backend-addresses': node.backendsOf(frontend).map(({ backend, state }) => backendAddress(backend, state)),
      flags: flagsOf(frontend),
      'frontend-address': frontendAddress(frontend.frontend),
      id: frontend.id
    }
    return { spec, status: { realized: spec } }
  })
}

/** The same as a table. */
export function serviceListText (node: LbNode): string {
  const rows = node.frontends().flatMap(frontend => {
    const { address, port, protocol, type, scope } = frontend.frontend
    const head = [String(frontend.id), `${hostPortText(address, port)}/${protocol}${scope === 'internal' ? '/i' : ''}`, type]
    const backends = node.backendsOf(frontend).map(({ backend, state }, index) =>
      `${index + 1} => ${hostPortText(backend.address, backend.port)}/${backend.protocol} (${state})`)
    return backends.length === 0 ? [[...head, '']] : backends.map((text, index) => [...(index === 0 ? head : ['', '', '']), text])
  })
  return table([['ID', 'Frontend', 'Service Type', 'Backend'], ...rows])
}

/** `slots`: a key for each slot, as since 1.16; `frontends`: a key for each frontend, without protocols, as before */
export type BpfLbShape = 'slots' | 'frontends'

/** `cilium-dbg bpf lb list -o json` */
export function bpfLbListJson (maps: LbMaps, shape: BpfLbShape): Record<string, string[]> {
  const list: Record<string, string[]> = {}
  for (const { address, slot, value } of slotsOf(maps, shape)) {
    const key = shape === 'slots' ? `${address} (${slot})` : address
    if (Object.hasOwn(list, key)) list[key]?.push(value)
    else list[key] = [value]
  }
  return list
}

/** The same as a table. */
export function bpfLbListText (maps: LbMaps, shape: BpfLbShape): string {
  let last = ''
  const rows = slotsOf(maps, shape).map(({ address, slot, value }) => {
    const key = shape === 'slots' ? `${address} (${slot})` : address === last ? '' : address
    last = address
    return [key, value]
  })
  return table([['SERVICE ADDRESS', 'BACKEND ADDRESS (REVNAT_ID) (SLOT)'], ...rows])
}

interface SlotText {
  readonly address: string
  readonly slot: number
  readonly value: string
}

/** in the order of addresses, slot 0 first */
function slotsOf (maps: LbMaps, shape: BpfLbShape): SlotText[] {
  return families.flatMap(family => {
    const backends = new Map(Array.from(maps.backends[family].entries(), ([key, value]) => {
      const { address, port, protocol } = decodeBackendValue(value)
      return [decodeU32(key), withProtocol(hostPortText(addressFromBytes(address).text, port), protocol, shape)]
    }))
    return Array.from(maps.services[family].entries(), ([keyBytes, valueBytes]) => {
      const key = decodeServiceKey(keyBytes)
      const value = decodeServiceValue(valueBytes)
      const address = withProtocol(hostPortText(addressFromBytes(key.address).text, key.port), key.protocol, shape) + (key.scope === scopeNumbers.internal ? '/i' : '')
      const ids = `(${value.revNatId}) (${key.slot})`
      const flags = flagsText(value.flags | value.flags2 << 8).split('+').join(', ')
      const toProxy = (value.flags2 & serviceFlags2.l7LoadBalancer) !== 0
      const behind = toProxy ? ` (L7LB Proxy Port: ${splitProxyPortWord(value.word)})` : shape === 'slots' ? ' ' : ''
      const text = key.slot === 0
        ? `${hostPortText(surrogateAddress(family), 0)} ${ids} [${flags}]${behind}`
        : backends.has(value.word) ? `${backends.get(value.word)} ${ids}` : `backend ${value.word} not found`
      return { address, slot: key.slot, value: text }
    }).sort((one, other) => one.address < other.address ? -1 : one.address > other.address ? 1 : one.slot - other.slot)
  })
}

function withProtocol (address: string, protocol: number, shape: BpfLbShape): string {
  if (shape === 'frontends') return address
  return `${address}/${Object.entries(protocolNumbers).find(([, number]) => number === protocol)?.[0] ?? 'ANY'}`
}

/** `slots`: Cilium's; `runs`: `id(length)` of equal slots in a row; `counts`: slots of each backend, most first */
export type MaglevListForm = 'slots' | 'runs' | 'counts'

/** @param only revNAT ids; null: all. @returns `[5]/v4` -> one text */
export function * maglevList (
  maps: LbMaps, form: MaglevListForm, only: ReadonlySet<number> | null
): Generator<readonly [key: string, text: string]> {
  for (const family of families) {
    for (const id of [...maps.maglev[family].revNatIds()].sort((one, other) => one - other)) {
      if (only !== null && !only.has(id)) continue
      const ids = maps.maglev[family].get(id)?.read()
      if (ids !== undefined) yield [`[${id}]/v${family}`, tableText(ids, form)]
    }
  }
}

function tableText (ids: Uint32Array, form: MaglevListForm): string {
  if (form === 'slots') return `[${ids.join(' ')}]`
  if (form === 'runs') return runLengthText(ids)
  const counts = new Map<number, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return [...counts].sort(([id, count], [otherId, otherCount]) => otherCount - count || id - otherId).map(([id, count]) => `${id}(${count})`).join(', ')
}

/** The list as a table of two columns. */
export function maglevListText (tables: Iterable<readonly [key: string, text: string]>): string {
  return table([['SVC ID', 'LOOKUP TABLE'], ...tables])
}

function backendAddress ({ address, port, protocol, weight, nodeName, zone }: Backend, state: string): Record<string, unknown> {
  return {
    ip: address,
    ...(nodeName === undefined ? {} : { nodeName }),
    port,
    preferred: true,
    protocol,
    state,
    weight,
    ...(zone === undefined ? {} : { zone })
  }
}

function flagsOf ({ frontend, service, flags }: RealisedFrontend): Record<string, unknown> {
  const { namespace, name } = namesOf(service)
  const policy = (local: number): string => local === 0 ? 'Cluster' : 'Local'
  const extTrafficPolicy = policy(flags & serviceFlags.externalLocalScope)
  const intTrafficPolicy = policy(flags & serviceFlags2.internalLocalScope << 8)
  return { extTrafficPolicy, intTrafficPolicy, name, namespace, trafficPolicy: extTrafficPolicy, type: frontend.type }
}

function frontendAddress ({ address, port, protocol, scope }: Frontend): Record<string, unknown> {
  return { ip: address, port, protocol, scope: scope ?? 'external' }
}

/** Columns three spaces apart, the last one as long as it is. */
function table (rows: ReadonlyArray<readonly string[]>): string {
  const widths = (rows[0] ?? []).map((_, column) => rows.reduce((most, row) => Math.max(most, (row[column] ?? '').length), 0))
  return rows.map(row => `${row.map((cell, column) => column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 3)).join('').trimEnd()}\n`).join('')
}
