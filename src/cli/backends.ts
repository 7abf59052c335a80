// Backends as words (`10.0.0.1:80`, `[2001:db8::1]:443/udp=5`) and as JSON lines.

import { defaultWeight } from '../../lib/loadbalancer/index.ts'
import { canonicalAddress, protocols } from '../../lib/maglev/index.ts'
import type { Protocol } from '../../lib/maglev/index.ts'
import { BadInput } from './failures.ts'

export interface BackendWord {
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  readonly weight: number
  readonly id?: number
}

const maximumBackends = 65535

export function parseBackendWords (words: readonly string[]): BackendWord[] {
  return words.map((word) => {
    const match = /^(?:\[([^\]]+)\]|([^:/=[\]]+)):(\d{1,5})(?:\/([A-Za-z]+))?(?:=(\d{1,5}))?$/.exec(word)
    if (match === null) throw new BadInput(`backend "${word}" is not ADDRESS:PORT[/PROTOCOL][=WEIGHT]`)
    return checked(`backend "${word}"`, { address: match[1] ?? match[2], port: Number(match[3]), protocol: match[4], weight: match[5] === undefined ? undefined : Number(match[5]) })
  })
}

export function parseBackendLines (text: string): BackendWord[] {
  const lines = text.split('\n').map((line, index) => ({ line: line.trim(), number: index + 1 })).filter(({ line }) => line !== '')
  if (lines.length > maximumBackends) throw new BadInput(`a table has at most ${maximumBackends} backends, not ${lines.length}`)
  return lines.map(({ line, number }) => checked(`line ${number}`, parseObject(line, number)))
}

function parseObject (line: string, number: number): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new BadInput(`line ${number} is not JSON`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadInput(`line ${number} is not a JSON object`)
  const unknown = Object.keys(value).find((key) => !['address', 'port', 'protocol', 'weight', 'id'].includes(key))
  if (unknown !== undefined) throw new BadInput(`line ${number} has a member "${unknown}" that a backend has not`)
  return value as Record<string, unknown>
}

function checked (where: string, backend: Record<string, unknown>): BackendWord {
  const address = typeof backend['address'] === 'string' ? canonicalAddress(backend['address']) : null
  if (address === null) throw new BadInput(`${where}: "${String(backend['address'])}" is no IP address`)
  const protocol = protocols.find((name) => name === String(backend['protocol'] ?? 'TCP').toUpperCase())
  if (protocol === undefined) throw new BadInput(`${where}: protocol is one of ${protocols.join(', ')}`)
  const port = wholeIn(where, 'port', backend['port'], 1, 65535)
  const weight = wholeIn(where, 'weight', backend['weight'] ?? defaultWeight, 0, 65535)
  return { address, port, protocol, weight, ...(backend['id'] === undefined ? {} : { id: wholeIn(where, 'id', backend['id'], 1, 0xffffffff) }) }
}

function wholeIn (where: string, name: string, value: unknown, minimum: number, maximum: number): number {
  if (!Number.isInteger(value) || (value as number) < minimum || (value as number) > maximum) {
    throw new BadInput(`${where}: ${name} is a whole number from ${minimum} to ${maximum}`)
  }
  return value as number
}
