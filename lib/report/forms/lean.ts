// Tables as people read them: a column that says the same in every row is said once, beside the title, and what is said there is not said
// thirty times. Files for programs keep every column.

import type { Section } from '../document.ts'
import type { Cell, Column, Table } from '../table.ts'
import { cellText } from './cells.ts'

/** Tables of so many columns are left as they are: they fit anywhere, and their columns are few enough to be meant. */
const narrow = 5

export interface LeanTable extends Table {
  /** what every row says: `IP 4, trials 20` */
  readonly everywhere: string
}

export interface LeanSection extends Section {
  readonly tables: readonly LeanTable[]
}

export const leanSections = (sections: readonly Section[]): readonly LeanSection[] =>
  sections.map((section) => ({ ...section, tables: section.tables.map(leanTable) }))

/** Without columns of one value, which is told beside the title instead; without those that have none at all. */
export function leanTable (table: Table): LeanTable {
  const { columns, rows } = table
  if (columns.length <= narrow || rows.length < 2) return { ...table, everywhere: '' }
  const same = columns.map((_, at) => rows.every((row) => row[at] === rows[0]?.[at]))
  // rows that differ in nothing are shown as they are
  if (!same.includes(false)) return { ...table, everywhere: '' }
  const said = columns.flatMap((column, at) => same[at] === true ? spoken(column, rows[0]?.[at] ?? null) : [])
  const left = <T> (list: readonly T[]): T[] => list.filter((_, at) => same[at] === false)
  return { ...table, everywhere: said.join(', '), columns: left(columns), rows: rows.map(left) }
}

/** That there is none of something anywhere is not worth a word. */
const spoken = (column: Column, cell: Cell): string[] =>
  cell === null || (cell === 0 && column.as === undefined) ? [] : [`${column.title} ${cellText(cell, column)}`]

/** The title, and what every row says. */
export function captionOf ({ title, everywhere }: LeanTable): string {
  if (everywhere === '') return title
  return title === '' ? everywhere : `${title} (everywhere: ${everywhere})`
}
