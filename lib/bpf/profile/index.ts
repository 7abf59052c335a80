// Kernel profiles: what differs between kernels, as data.

import { kernel510 } from './kernel-5.10.ts'
import { kernel618 } from './kernel-6.18.ts'
import type { KernelProfile } from './types.ts'

export type { MapTypeName, ProgramTypeName } from './names.ts'
export type { KernelProfile, StructLayout } from './types.ts'

export const kernelProfiles: readonly KernelProfile[] = [kernel618, kernel510]

/** @returns the profile of that name (`6.18`, `5.10`), or undefined */
export function findProfile (name: string): KernelProfile | undefined {
  return kernelProfiles.find((profile) => profile.name === name)
}
