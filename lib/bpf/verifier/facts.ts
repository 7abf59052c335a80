// What the verifier hands to `rewrite` and to the engines: per instruction of the loaded program.

/** Where a pointer points. `map`: map values; `kernel`: struct fields of maps and of what a context points to. */
export type Region = 'stack' | 'packet' | 'ctx' | 'map' | 'kernel'

/** A map as a program sees it: the object behind the fd, or the template behind an outer map. */
export interface MapView {
  /** index into the program's used maps; for an inner template that of its outer map */
  readonly usedMap: number
  /** the map reached is the inner template of `usedMap` */
  readonly inner: boolean
}

export interface Access {
  readonly region: Region
  /** bytes */
  readonly size: number
  readonly kind: 'load' | 'store' | 'atomic'
  /** true: always inside its object, no check at run time; false: the engine checks every execution */
  readonly proved: boolean
}

export interface ContextField {
  /** offset in the user-visible context (struct xdp_md) */
  readonly offset: number
  readonly size: number
}

export interface InsnFacts {
  /** seen on at least one explored path */
  readonly reachable: boolean
  /** of a call to a map helper: the one map it always sees, or `poisoned` when it saw several */
  readonly mapAtCall?: MapView | 'poisoned'
  /** of the load that the rewrite turns into a load of the kernel's own context struct */
  readonly contextField?: ContextField
  readonly access?: Access
  /** of a map lookup: where the key lies, which inlined code loads */
  readonly keyRegion?: Region
}
