// The committed vectors of real Cilium releases (test/maglev/vectors.json), and their backends where a rule makes them.

import { readFileSync } from 'node:fs'
import { canonicalAddress } from '../../lib/maglev/index.ts'
import type { Protocol, Release, TableBackend } from '../../lib/maglev/index.ts'

export type Listed = [id: number, address: string, port: number, protocol: Protocol, weight: number]
export interface Generated { family: 4 | 6, count: number, port: number, protocol: Protocol, weights: 'one' | 'hundred' | 'mix' | 'step' }
export interface Vectors {
  seeds: { base64: string, murmur: number, jhash4: number, jhash6: number }[]
  badSeeds: string[]
  murmur3: [string, number, string, string][]
  addresses: [string, string][]
  tables: {
    name: string,
    release: Release,
    seed: string,
    m: number,
    backends?: Listed[],
    generated?: Generated,
    firstPermutation: [number, number],
    slots: [number, number],
    sha256U32LE: string
  }[]
}

export const committedVectors = (): Vectors =>
  JSON.parse(readFileSync(new URL('../maglev/vectors.json', import.meta.url), 'utf8')) as Vectors

export function listed ([id, address, port, protocol, weight]: Listed): TableBackend {
  return { id, address: canonicalAddress(address) ?? '', port, protocol, weight }
}

export function generate (rule: Generated | undefined): TableBackend[] {
  if (rule === undefined) throw new Error('a vector lists or generates its backends')
  const weight = {
    one: () => 1,
    hundred: () => 100,
    mix: (i: number) => 1 + i * 37 % 101,
    step: (i: number) => i % 10 ? 20 : 200
  }[rule.weights]
  return Array.from({ length: rule.count }, (_, i) => ({
    id: i + 1,
    address: rule.family === 4 ? `10.${i >> 16 & 255}.${i >> 8 & 255}.${i & 255}` : `fd00::${(i + 1).toString(16)}`,
    port: rule.port,
    protocol: rule.protocol,
    weight: weight(i)
  }))
}
