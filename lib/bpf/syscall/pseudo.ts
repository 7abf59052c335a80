// Wide immediates that name a map (src_reg of ld_imm64 as bpf(2) takes it).

export const PSEUDO_MAP_FD = 1
export const PSEUDO_MAP_VALUE = 2

/** @param code opcode of a slot; the second slot of a wide immediate has opcode 0 */
export function isWideImmediate (code: number): boolean {
  return code === 0x18
}
