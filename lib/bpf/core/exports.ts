// The core module's functions as JavaScript sees them. Addresses come back as signed 32-bit numbers: `>>> 0` them.

export interface CoreExports {
  initialise (maximumPages: number): void
  isInitialised (): number
  allocate (bytes: number): number
  release (address: number): void
  usedBytes (): number
  allocatePerCpu (bytes: number, owner: number): number
  releasePerCpu (address: number): void

  /** worker 0..63 begins and ends a batch of runs; maps replaced meanwhile stay readable until the end */
  readerEnter (worker: number): void
  readerExit (worker: number): void
  /** frees an `allocate`d block once no reader can hold it */
  retire (address: number): void
  /** @returns how many retired blocks and maps were freed */
  reclaim (): number

  createMap (type: number, keySize: number, valueSize: number, maxEntries: number, flags: number, id: number, arrayEntries: number,
    seed: number): number
  destroyMap (map: number): void
  retireMap (map: number): void
  /** of an lpm_trie: its prefixes and the nodes that only join two branches */
  trieNodes (map: number): number
  jhash (key: number, length: number, seed: number): number

  /** as a program calls them */
  arrayMapLookupElem (map: number, key: number): number
  htabMapLookupRaw (map: number, key: number): number
  mapLookupElem (map: number, key: number, cpu: number): number
  mapUpdateElem (map: number, key: number, value: number, flags: bigint, cpu: number): bigint
  mapDeleteElem (map: number, key: number, cpu: number): bigint
  checkMapAccess (address: number, size: number): number
  isMap (address: number): number

  /** as a system call makes them: 0 or a negative errno */
  userLookup (map: number, key: number, out: number): number
  userUpdate (map: number, key: number, value: number, flags: number, cpu: number): number
  userUpdateInner (map: number, key: number, inner: number, flags: number, replaced: number): number
  userDelete (map: number, key: number, removed: number): number
  userLookupAndDelete (map: number, key: number, out: number): number
  userNextKey (map: number, key: number, out: number): number
  userCount (map: number): number
  userDump (map: number, cursor: number, first: number, keys: number, values: number, valueBytes: number, count: number): number
}
