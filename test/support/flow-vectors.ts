// Cilium's own numbers of flow lookups (test/datapath/flow-vectors.json), and the backends they were computed with.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TableBackend } from '../../lib/maglev/index.ts'

export interface Pick {
  readonly hash: number
  readonly index: number
  readonly backendId: number
}

export interface FlowVector extends Pick {
  readonly family: 4 | 6
  readonly source: string
  readonly sourcePort: number
  readonly destinationPort: number
  readonly protocol: number
  readonly m: number
  readonly n: number
  readonly before117: Pick
  readonly withAffinity: Pick
}

type Shares = Readonly<Record<string, number>>

export interface FlowVectors {
  readonly flows: readonly FlowVector[]
  readonly sessionAffinity: {
    readonly hashInit4Seed: number
    readonly slots: number
    readonly destinationPort: number
    readonly protocol: number
    readonly cases: ReadonlyArray<{ readonly client: string, readonly hash: number, readonly backendId: number }>
  }
  readonly halfTable: ReadonlyArray<{ readonly m: number, readonly n: number, readonly correct: Shares, readonly withDefect: Shares }>
}

export function readFlowVectors (): FlowVectors {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../datapath/flow-vectors.json'), 'utf8')) as FlowVectors
}

export function vectorBackends (family: 4 | 6, n: number): TableBackend[] {
  return Array.from({ length: n }, (_, index) => ({
    id: index + 1,
    address: family === 4 ? `10.${index >> 16}.${index >> 8 & 255}.${index & 255}` : `fd00::${(index + 1).toString(16)}`,
    port: family === 4 ? 8080 : 443,
    protocol: 'TCP',
    weight: 1
  }))
}
