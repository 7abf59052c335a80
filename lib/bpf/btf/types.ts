// BTF types as a discriminated union. A type's id is its index in `Btf.types`; 0 is void. Every reference inside a parsed `Btf` is a
// valid id, but chains of references may be cyclic: follow them through resolve.ts.

export type TypeId = number

export interface Member {
  /** empty: anonymous struct or union, whose members count as the outer's */
  readonly name: string
  readonly type: TypeId
  readonly bitOffset: number
  /** bits of a bit field, 0 for plain members */
  readonly bitfieldBits: number
}

export type Linkage = 'static' | 'global' | 'extern'

export interface VoidType { readonly kind: 'void' }

export interface IntType {
  readonly kind: 'int'
  readonly name: string
  readonly size: number
  readonly bits: number
  readonly bitOffset: number
  readonly encoding: 'unsigned' | 'signed' | 'char' | 'bool'
}

export interface FloatType { readonly kind: 'float', readonly name: string, readonly size: number }

export interface PointerType { readonly kind: 'ptr', readonly type: TypeId }

export interface ArrayType { readonly kind: 'array', readonly element: TypeId, readonly index: TypeId, readonly length: number }

export interface StructType {
  readonly kind: 'struct' | 'union'
  readonly name: string
  readonly size: number
  readonly members: readonly Member[]
}

export interface EnumType {
  readonly kind: 'enum' | 'enum64'
  readonly name: string
  readonly size: number
  readonly signed: boolean
  readonly values: readonly Enumerator[]
}

export interface Enumerator {
  readonly name: string
  /** decimal: 64 bits do not fit a number */
  readonly value: string
}

export interface ForwardType { readonly kind: 'fwd', readonly name: string, readonly union: boolean }

export interface NamedReferenceType { readonly kind: 'typedef' | 'type_tag', readonly name: string, readonly type: TypeId }

export interface QualifiedType { readonly kind: 'volatile' | 'const' | 'restrict', readonly type: TypeId }

export interface FunctionType { readonly kind: 'func', readonly name: string, readonly type: TypeId, readonly linkage: Linkage }

export interface PrototypeType {
  readonly kind: 'func_proto'
  readonly returns: TypeId
  /** a last parameter of type 0 is `...` */
  readonly parameters: ReadonlyArray<{ readonly name: string, readonly type: TypeId }>
}

export interface VariableType { readonly kind: 'var', readonly name: string, readonly type: TypeId, readonly linkage: Linkage }

export interface SectionType {
  readonly kind: 'datasec'
  readonly name: string
  readonly size: number
  readonly variables: ReadonlyArray<{ readonly type: TypeId, readonly offset: number, readonly size: number }>
}

export interface DeclarationTagType {
  readonly kind: 'decl_tag'
  readonly name: string
  readonly type: TypeId
  /** -1: the declaration itself; else the member or parameter */
  readonly component: number
}

export type BtfType =
  VoidType | IntType | FloatType | PointerType | ArrayType | StructType | EnumType | ForwardType | NamedReferenceType | QualifiedType |
  FunctionType | PrototypeType | VariableType | SectionType | DeclarationTagType

export type BtfKind = BtfType['kind']

export interface Btf {
  /** by id; [0] is void */
  readonly types: readonly BtfType[]
  /** the string section, which .BTF.ext refers to */
  readonly text: (offset: number) => string | undefined
}

export interface BtfLimits {
  readonly typesMax: number
  /** members, parameters, enumerators of one type and in all */
  readonly partsMax: number
}

/** The kernel's own figure for types; parts as many as a whole kernel's BTF has, and some. */
export const btfLimits: BtfLimits = { typesMax: 0xfffff, partsMax: 4_000_000 }
