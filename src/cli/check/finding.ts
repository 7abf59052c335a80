// What the gate answers: findings, each with its place, and the figures of what was judged.

import type { MapPressure } from '../../../lib/loadbalancer/index.ts'
import { ruleOf } from './rules.ts'
import type { Level } from './rules.ts'

export interface FindingPlace {
  /** null: of the whole */
  readonly file: string | null
  readonly line: number | null
  /** `Service shop/api` */
  readonly object: string | null
  /** JSON Pointer into the object, or the name of a value in the configuration */
  readonly field: string | null
}

export interface Finding extends FindingPlace {
  readonly rule: string
  readonly level: Level
  readonly message: string
  readonly help: string
}

export interface CheckFigures {
  readonly services: number
  readonly frontends: number
  readonly tables: number
  /** null: the cluster cannot be held at all */
  readonly memoryBytes: number | null
  readonly tableBytes: number | null
  readonly pressures: readonly MapPressure[]
  readonly convergenceSeconds: number | null
  /** the largest share of a service's flows that moves without need when one backend leaves */
  readonly disruption: { readonly share: number, readonly service: string, readonly backends: number, readonly m: number } | null
}

export interface CheckResult {
  readonly findings: readonly Finding[]
  /** in words, where the cluster's nodes differ: which of them the figures are of */
  readonly assumptions: readonly string[]
  /** null: nothing was judged, the findings say what cannot be read or what would be refused */
  readonly figures: CheckFigures | null
}

export function findingOf (rule: string, message: string, place: Partial<FindingPlace>): Finding {
  const { id, level, help } = ruleOf(rule)
  return { rule: id, level, message, help, file: null, line: null, object: null, field: null, ...place }
}
