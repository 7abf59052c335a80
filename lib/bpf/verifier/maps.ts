// A map as verifier and rewrite see it: its creation attributes and, for outer maps, the template of its inner maps.

import type { MapTypeName } from '../profile/names.ts'

export interface VerifierMap {
  readonly id: number
  readonly name: string
  readonly type: MapTypeName
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  /** without BPF_F_RDONLY and BPF_F_WRONLY, which belong to the descriptor */
  readonly flags: number
  readonly frozen: boolean
  /** creator had CAP_PERFMON: no Spectre masking of inlined lookups */
  readonly bypassSpecV1: boolean
  readonly inner?: VerifierMap
  /** bytes of the single element, for direct values; of a frozen BPF_F_RDONLY_PROG map they are constants to the verifier */
  readonly contents?: Uint8Array
}
