// The core: one WebAssembly module for allocation, maps, helpers and the interpreter, instantiated by every thread on the
// node's one shared memory.

export { allocate, initialise, isInitialised, release, usedBytes } from './allocator'
export { allocatePerCpu, releasePerCpu } from './percpu'
export { reclaim, readerEnter, readerExit, retire } from './epoch'
export { createMap, destroyMap, retireMap } from './lifecycle'
export { jhash } from './jhash'
export { trieNodes } from './lpm-trie-update'
export { userCount, userDelete, userDump, userLookup, userLookupAndDelete, userNextKey, userUpdate, userUpdateInner } from './user'
export * from './map-ops'
export * from './exec-run'
