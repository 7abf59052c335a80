import type { KernelProfile } from './types.ts'

/** Linux 6.18, x86-64: every figure observed on a running 6.18.44 (struct offsets from its BTF). */
export const kernel618: KernelProfile = {
  name: '6.18',
  knownFrom: 'observed on a running Linux 6.18.44, x86-64',
  structs: {
    bpfMap: { size: 296, mapType: 64, keySize: 68, valueSize: 72, maxEntries: 76, mapFlags: 88, id: 92 },
    bpfArray: { value: 312, elemSize: 296, indexMask: 300 },
    bpfHtab: { size: 832, buckets: 424, elems: 432, nBuckets: 760, elemSize: 764, hashrnd: 768 },
    htabElem: { key: 48, hash: 40, lruRef: 35 },
    lpmTrie: { size: 400, root: 296, entries: 368, maxPrefixLength: 376, dataSize: 384, lock: 392 },
    xdpBuff: { size: 56, data: 0, dataEnd: 8, dataMeta: 16, dataHardStart: 24, rxq: 32, txq: 40, frameSize: 48, flags: 52 },
    xdpFrame: { size: 40 },
    skbSharedInfo: { size: 320 },
    xdpRxqInfo: { dev: 0, queueIndex: 8 },
    netDevice: { ifindex: 224 }
  },
  inlinedLookups: ['array', 'percpu_array', 'array_of_maps', 'hash', 'lru_hash', 'hash_of_maps', 'percpu_hash'],
  accounting: 'exact',
  constantKeyElision: true,
  tagHash: 'sha256',
  limits: { maxInsns: 1_000_000, stackBytes: 512, callFrames: 8, tailCalls: 33, mapsPerProgram: 64 }
}
