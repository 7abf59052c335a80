// Where everything stands in the linear memory, and what differs between kernels.
//
// The module keeps no static data and no mutable globals: each thread instantiates it on the same shared memory, and an
// instantiation would rewrite static data. State therefore lives in the memory itself:
//
//   0 .. 4095            never valid (NULL and small offsets from it)
//   4096 .. 65535        header: locks, epoch, reader slots, free lists
//   65536 ..             page descriptors, 16 bytes for each 4096-byte page the memory may ever have
//   after them           pages
//
// Addresses of BPF programs are addresses in this memory, zero-extended to 64 bits.

// Kernel profile: struct offsets, immutable and the same for every instance on a memory.
@external('profile', 'mapType') export declare const MAP_TYPE: usize
@external('profile', 'mapKeySize') export declare const MAP_KEY_SIZE: usize
@external('profile', 'mapValueSize') export declare const MAP_VALUE_SIZE: usize
@external('profile', 'mapMaxEntries') export declare const MAP_MAX_ENTRIES: usize
@external('profile', 'mapFlags') export declare const MAP_FLAGS: usize
@external('profile', 'mapId') export declare const MAP_ID: usize
@external('profile', 'arrayValue') export declare const ARRAY_VALUE: usize
@external('profile', 'arrayElemSize') export declare const ARRAY_ELEM_SIZE: usize
@external('profile', 'arrayIndexMask') export declare const ARRAY_INDEX_MASK: usize
@external('profile', 'htabSize') export declare const HTAB_SIZE: usize
@external('profile', 'htabBuckets') export declare const HTAB_BUCKETS: usize
@external('profile', 'htabElems') export declare const HTAB_ELEMS: usize
@external('profile', 'htabNBuckets') export declare const HTAB_N_BUCKETS: usize
@external('profile', 'htabElemSize') export declare const HTAB_ELEM_SIZE: usize
@external('profile', 'htabHashrnd') export declare const HTAB_HASHRND: usize
@external('profile', 'elemHash') export declare const ELEM_HASH: usize
@external('profile', 'elemKey') export declare const ELEM_KEY: usize
@external('profile', 'elemLruRef') export declare const ELEM_LRU_REF: usize
@external('profile', 'lpmSize') export declare const LPM_SIZE: usize
@external('profile', 'lpmRoot') export declare const LPM_ROOT: usize
@external('profile', 'lpmEntries') export declare const LPM_ENTRIES: usize
@external('profile', 'lpmMaxPrefix') export declare const LPM_MAX_PREFIX: usize
@external('profile', 'lpmDataSize') export declare const LPM_DATA_SIZE: usize
@external('profile', 'lpmLock') export declare const LPM_LOCK: usize
@external('profile', 'xdpFrameSize') export declare const XDP_FRAME_SIZE: u32
@external('profile', 'sharedInfoSize') export declare const SHARED_INFO_SIZE: u32
@external('profile', 'possibleCpus') export declare const POSSIBLE_CPUS: u32

// Header.
export const HEADER: usize = 4096
export const HEADER_MAGIC: usize = HEADER
export const HEADER_EPOCH: usize = HEADER + 4
export const HEADER_PAGE_LIMIT: usize = HEADER + 8
export const HEADER_FRONTIER: usize = HEADER + 12
export const HEADER_FIRST_PAGE: usize = HEADER + 16
export const HEADER_PAGES_USED: usize = HEADER + 20
export const HEADER_ALLOC_LOCK: usize = HEADER + 64
export const HEADER_LIMBO_LOCK: usize = HEADER + 128
export const HEADER_LIMBO_HEAD: usize = HEADER + 132
export const HEADER_LIMBO_TAIL: usize = HEADER + 136
export const HEADER_PERCPU_LOCK: usize = HEADER + 192
export const HEADER_RUN_BINS: usize = HEADER + 1024
export const HEADER_SLAB_LISTS: usize = HEADER + 1536
export const HEADER_PERCPU_LISTS: usize = HEADER + 2048
/** one cache line per worker: the epoch it entered at, 0 while it reads nothing */
export const HEADER_READERS: usize = HEADER + 4096
export const MAX_WORKERS: u32 = 64
export const MAGIC: u32 = 0x4d534d43

export const PAGE_SHIFT: u32 = 12
export const PAGE_BYTES: usize = 4096
export const DESCRIPTORS: usize = 65536
export const DESCRIPTOR_BYTES: usize = 16

// Map types as in bpf(2).
export const HASH: u32 = 1
export const ARRAY: u32 = 2
export const PERCPU_ARRAY: u32 = 6
export const LRU_HASH: u32 = 9
export const LPM_TRIE: u32 = 11
export const ARRAY_OF_MAPS: u32 = 12
export const HASH_OF_MAPS: u32 = 13

// Map creation flags.
export const BPF_F_NO_PREALLOC: u32 = 1
export const BPF_F_NO_COMMON_LRU: u32 = 2
export const BPF_F_MMAPABLE: u32 = 0x400

// Map update flags.
export const BPF_ANY: u64 = 0
export const BPF_NOEXIST: u64 = 1
export const BPF_EXIST: u64 = 2

export const ENOENT: i32 = 2
export const E2BIG: i32 = 7
export const ENOMEM: i32 = 12
export const EACCES: i32 = 13
export const EEXIST: i32 = 17
export const EINVAL: i32 = 22
export const ENOSPC: i32 = 28
export const ENOTSUPP: i32 = 524

// struct lpm_trie_node, behind its two children
export const LPM_PREFIX: usize = 16
export const LPM_FLAGS: usize = 20
export const LPM_DATA: usize = 24

// What a block holds (its header's second word), so that an address leads to its object.
export const BLOCK_OTHER: u32 = 0
export const BLOCK_MAP: u32 = 1
export const BLOCK_ELEMS: u32 = 2
export const BLOCK_ELEM: u32 = 3

// @ts-ignore: decorator
@inline
export function round8 (size: u32): u32 {
  return (size + 7) & ~7
}

// @ts-ignore: decorator
@inline
export function pointerAt (address: usize): usize {
  return load<u32>(address) as usize
}

/** Stores a pointer as the kernel's 64-bit word. */
// @ts-ignore: decorator
@inline
export function setPointer (address: usize, pointer: usize): void {
  store<u64>(address, pointer as u64)
}
