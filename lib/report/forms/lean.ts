// Tables as people read them: a column that says the same in every row is said once, beside the title, and what is said there is not said
// thirty times. Files for programs keep every column.

import type { Section } from '../document.ts'
import type { Cell, Column, Table } from '../table.ts'
import { cellText } from './cells.ts'

/** Tables of so many columns are left as they are: they fit anywhere, and their columns are few enough to be meant. */
const narrow = 5

export const leanSections = (sections: readonly Section[]): readonly Section[] =>
  sections.map((section) => ({ ...section, tables: section.tables.map(leanTable) }))

/** Without columns of one value, which the title tells instead; without those that have none at all. */
export function leanTable (table: Table): Table {
  const { title, columns, rows } = table
  if (columns.length <= narrow || rows.length < 2) return table
  const same = columns.map((_, at) => rows.every((row) => row[at] === rows[0]?.[at]))
  // rows that differ in nothing are shown as they are
  if (!same.includes(false)) return table
  const said = columns.flatMap((column, at) => same[at] === true ? spoken(column, rows[0]?.[at] ?? null) : [])
  const left = <T> (list: readonly T[]): T[] => list.filter((_, at) => same[at] === false)
  return { ...table, title: joined(title, said), columns: left(columns), rows: rows.map(left) }
}

const spoken = (column: Column, cell: Cell): string[] => cell === null ? [] : [`${column.title} ${cellText(cell, column)}`]

function joined (title: string, said: readonly string[]): string {
  if (said.length === 0) return title
  return title === '' ? said.join(', ') : `${title} (everywhere: ${said.join(', ')})`
}
