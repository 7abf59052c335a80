// The one shape that every tabular form is printed from.

export type Cell = string | number | boolean | null

export interface Column {
  /** CSV header, camelCase with the unit last */
  readonly key: string
  /** heading of the text form */
  readonly title: string
  /**
   * How people read the numbers; without it with thousands separators. `percent` is of a share of one, `decimal` has one digit, `seconds`
   * become ms or us where that reads better.
   */
  readonly as?: 'plain' | 'percent' | 'decimal' | 'seconds'
  /** What the table is read for: people find it right after the first column, also where it is the same in every row. */
  readonly answer?: true
}

export interface Table {
  readonly title: string
  readonly columns: readonly Column[]
  readonly rows: ReadonlyArray<readonly Cell[]>
  /** details: a page shows them when they are asked for */
  readonly folded?: boolean
}
