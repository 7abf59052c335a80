// The one shape that every tabular form is printed from.

export type Cell = string | number | boolean | null

export interface Column {
  /** CSV header, camelCase with the unit last */
  readonly key: string
  /** heading of the text form */
  readonly title: string
  /** How the text form prints numbers; without it with thousands separators. `percent` is of a share of one, `decimal` has one digit. */
  readonly as?: 'plain' | 'percent' | 'decimal'
}

export interface Table {
  readonly title: string
  readonly columns: readonly Column[]
  readonly rows: ReadonlyArray<readonly Cell[]>
}
