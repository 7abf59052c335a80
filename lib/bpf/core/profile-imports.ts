// What the core module imports from its surroundings: the profile's numbers, as immutable globals.

import type { KernelProfile } from '../profile/index.ts'

export const maximumCpus = 512

/** @returns the `profile` import object of the core module */
export function profileImports (profile: KernelProfile, possibleCpus: number): Record<string, number> {
  const { bpfMap, bpfArray, bpfHtab, htabElem, lpmTrie, xdpFrame, skbSharedInfo } = profile.structs
  return {
    possibleCpus,
    mapType: bpfMap.mapType,
    mapKeySize: bpfMap.keySize,
    mapValueSize: bpfMap.valueSize,
    mapMaxEntries: bpfMap.maxEntries,
    mapFlags: bpfMap.mapFlags,
    mapId: bpfMap.id,
    arrayValue: bpfArray.value,
    arrayElemSize: bpfArray.elemSize,
    arrayIndexMask: bpfArray.indexMask,
    htabSize: bpfHtab.size,
    htabBuckets: bpfHtab.buckets,
    htabElems: bpfHtab.elems,
    htabNBuckets: bpfHtab.nBuckets,
    htabElemSize: bpfHtab.elemSize,
    htabHashrnd: bpfHtab.hashrnd,
    elemHash: htabElem.hash,
    elemKey: htabElem.key,
    elemLruRef: htabElem.lruRef,
    lpmSize: lpmTrie.size,
    lpmRoot: lpmTrie.root,
    lpmEntries: lpmTrie.entries,
    lpmMaxPrefix: lpmTrie.maxPrefixLength,
    lpmDataSize: lpmTrie.dataSize,
    lpmLock: lpmTrie.lock,
    xdpFrameSize: xdpFrame.size,
    sharedInfoSize: skbSharedInfo.size
  }
}
