// What Cilium accepts without a word although it rarely does what was meant. Codes are stable, texts are for people.

import { weightsCount } from './fill.ts'
import { honoursWeights } from './release.ts'
import type { Release } from './release.ts'
import type { TableSizeChoice } from './table-sizes.ts'

export type TableWarningCode = 'table-size-capped' | 'more-backends-than-slots' | 'few-slots-per-backend' | 'weights-ignored'

export interface TableWarning {
  readonly code: TableWarningCode
  readonly message: string
}

/** slots per backend below which Cilium's documentation no longer calls M "much larger" than N */
const recommendedSlotsPerBackend = 100

export function tableWarnings (choice: TableSizeChoice, weights: readonly number[], release: Release): TableWarning[] {
  const { m } = choice
  const n = weights.length
  const warnings: TableWarning[] = []
  const warn = (code: TableWarningCode, message: string): void => { warnings.push({ code, message }) }
  if (choice.capped) warn('table-size-capped', `${n} backends ask for more slots than the largest table has (${m})`)
  if (n > m) warn('more-backends-than-slots', `${n} backends share ${m} slots: ${n - m} of them get no traffic`)
  else if (n * recommendedSlotsPerBackend > m && !choice.capped) {
    warn('few-slots-per-backend', `${n} backends in ${m} slots are ${Math.floor(m / n)} slots per backend; ${recommendedSlotsPerBackend} are recommended`)
  }
  const unequal = weights.some(weight => weight !== weights[0])
  if (unequal && honoursWeights(release) && !weightsCount(weights)) {
    warn('weights-ignored', 'the weights average below 2, so all backends count the same')
  }
  if (unequal && !honoursWeights(release)) warn('weights-ignored', `release ${release} knows no weights, all backends count the same`)
  return warnings
}
