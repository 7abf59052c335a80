// A kernel profile: what differs between kernels, as data. `knownFrom` of a profile says which facts were observed.

import type { MapTypeName } from './names.ts'

export interface StructLayout {
  readonly bpfMap: {
    readonly size: number,
    readonly mapType: number,
    readonly keySize: number,
    readonly valueSize: number,
    readonly maxEntries: number,
    readonly mapFlags: number,
    readonly id: number
  }
  /** elem_size, index_mask and aux stand in the 16 bytes before `value` */
  readonly bpfArray: { readonly value: number, readonly elemSize: number, readonly indexMask: number }
  readonly bpfHtab: {
    readonly size: number,
    readonly buckets: number,
    readonly elems: number,
    readonly nBuckets: number,
    readonly elemSize: number,
    readonly hashrnd: number
  }
  /** offsets inside a hash element; `key` is 48 */
  readonly htabElem: { readonly key: number, readonly hash: number, readonly lruRef: number }
  /** a node has 24 bytes before its data */
  readonly lpmTrie: {
    readonly size: number,
    readonly root: number,
    readonly entries: number,
    readonly maxPrefixLength: number,
    readonly dataSize: number,
    readonly lock: number
  }
  readonly xdpBuff: {
    readonly size: number,
    readonly data: number,
    readonly dataEnd: number,
    readonly dataMeta: number,
    readonly dataHardStart: number,
    readonly rxq: number,
    readonly txq: number,
    readonly frameSize: number,
    readonly flags: number
  }
  /** what a frame begins with, and ends with: no packet reaches there */
  readonly xdpFrame: { readonly size: number }
  readonly skbSharedInfo: { readonly size: number }
  readonly xdpRxqInfo: { readonly dev: number, readonly queueIndex: number }
  readonly netDevice: { readonly ifindex: number }
}

export interface KernelProfile {
  /** `6.18` or `5.10` */
  readonly name: string
  /** sentence for people: where the figures come from and what is assumed */
  readonly knownFrom: string
  readonly structs: StructLayout
  /** map types whose lookups are emitted inline where the call site sees one map */
  readonly inlinedLookups: readonly MapTypeName[]
  /** `exact`: map_mem_usage (6.4+); `charge`: RLIMIT_MEMLOCK pages (5.3-5.10) */
  readonly accounting: 'exact' | 'charge'
  /** what a program's tag is the beginning of (SHA-256 from 6.18 on) */
  readonly tagHash: 'sha1' | 'sha256'
  /** verifier drops the NULL case of constant keys (6.14+) */
  readonly constantKeyElision: boolean
  readonly limits: {
    readonly maxInsns: number,
    readonly stackBytes: number,
    readonly callFrames: number,
    readonly tailCalls: number,
    readonly mapsPerProgram: number
  }
}
