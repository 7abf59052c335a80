// BTF: the types of a BPF object, its functions, C lines and CO-RE accesses.

export { coreAccess } from './core-access.ts'
export type { CoreAccess } from './core-access.ts'
export { emptyBtfExt, parseBtfExt } from './ext.ts'
export type { BtfExt, CoreRecord, FunctionRecord, LineRecord } from './ext.ts'
export { SectionReader, malformed } from './format.ts'
export type { FormatError, FormatResult } from './format.ts'
export { parseBtf } from './parse.ts'
export { prototypeOf } from './print.ts'
export { findTypes, nameOf, sizeOf, skipModifiers, typeOf, variablesBySection } from './resolve.ts'
export { btfLimits } from './types.ts'
export type { Btf, BtfKind, BtfLimits, BtfType, Linkage, Member, TypeId } from './types.ts'
