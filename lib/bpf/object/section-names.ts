// What the name of a section says: libbpf's conventions.

import type { ProgramTypeName } from '../profile/names.ts'

/** Prefixes up to a `/`; an exact match needs none. */
const PROGRAM_SECTIONS: ReadonlyArray<readonly [string, ProgramTypeName]> = [
  ['xdp', 'xdp'], ['xdp.frags', 'xdp'], ['raw_tp', 'raw_tracepoint'], ['raw_tracepoint', 'raw_tracepoint'],
  ['tc', 'sched_cls'], ['tcx', 'sched_cls'], ['classifier', 'sched_cls'], ['socket', 'socket_filter']
]

export function programTypeOf (section: string): ProgramTypeName | undefined {
  return PROGRAM_SECTIONS.find(([prefix]) => section === prefix || section.startsWith(`${prefix}/`))?.[1]
}

export type DataKind = 'rodata' | 'data' | 'bss'

/** @returns which kind of global variables a section holds, suffixed forms such as `.rodata.limits` included */
export function dataKindOf (section: string): DataKind | undefined {
  return (['rodata', 'data', 'bss'] as const).find((kind) => section === `.${kind}` || section.startsWith(`.${kind}.`))
}

const MAP_NAME_CHARS_MAX = 15
const SUFFIX_CHARS_MIN = 7

/**
 * Name of the map behind a section of global variables: the object's name in front, cut so that the section's fits; a suffixed section
 * stands alone. Characters the kernel refuses become `_`.
 */
export function dataMapName (object: string, section: string): string {
  const suffixChars = Math.min(Math.max(SUFFIX_CHARS_MIN, section.length), MAP_NAME_CHARS_MAX)
  const prefix = section.indexOf('.', 1) > 0 ? '' : object.slice(0, MAP_NAME_CHARS_MAX - suffixChars)
  return `${prefix}${section.slice(0, suffixChars)}`.replace(/[^A-Za-z0-9_.]/g, '_')
}
