// Map flags of bpf(2), by their names there.

export const BPF_F_NO_PREALLOC = 1
export const BPF_F_NO_COMMON_LRU = 2
export const BPF_F_NUMA_NODE = 4
export const BPF_F_RDONLY = 8
export const BPF_F_WRONLY = 16
export const BPF_F_ZERO_SEED = 64
export const BPF_F_RDONLY_PROG = 128
export const BPF_F_WRONLY_PROG = 256
export const BPF_F_MMAPABLE = 0x400
export const BPF_F_INNER_MAP = 0x1000

/** for user space (forgotten after creation) and for programs */
export const accessFlags = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG

export const BPF_ANY = 0
export const BPF_NOEXIST = 1
export const BPF_EXIST = 2
export const BPF_F_LOCK = 4
