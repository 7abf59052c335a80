// Tables as people read them: what a table is read for stands first, and a column that says the same in every row is said once, beside the
// title. Files for programs keep every column where it is.

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

/** Without columns of one value, which is told beside the title instead; the first one left, which names the row, and then the answers. */
export const leanTable = (table: Table): LeanTable => answersFirst(withoutConstants(table))

function withoutConstants (table: Table): LeanTable {
  const { columns, rows } = table
  if (columns.length <= narrow || rows.length < 2) return { ...table, everywhere: '' }
  const same = columns.map(({ answer }, at) => answer !== true && rows.every((row) => row[at] === rows[0]?.[at]))
  // rows that differ in nothing are shown as they are
  if (!same.includes(false)) return { ...table, everywhere: '' }
  const said = columns.flatMap((column, at) => same[at] === true ? spoken(column, rows[0]?.[at] ?? null) : [])
  const left = <T> (list: readonly T[]): T[] => list.filter((_, at) => same[at] === false)
  return { ...table, everywhere: said.join(', '), columns: left(columns), rows: rows.map(left) }
}

function answersFirst (table: LeanTable): LeanTable {
  const rank = ({ answer }: Column, at: number): number => at === 0 ? 0 : answer === true ? 1 : 2
  const order = table.columns.map((column, at) => ({ at, rank: rank(column, at) })).toSorted((a, b) => a.rank - b.rank)
  const ordered = <T> (list: readonly T[]): T[] => order.map(({ at }) => list[at] as T)
  return { ...table, columns: ordered(table.columns), rows: table.rows.map(ordered) }
}

/** That there is none of something anywhere is not worth a word. */
const spoken = (column: Column, cell: Cell): string[] =>
  cell === null || (cell === 0 && column.as === undefined) ? [] : [`${column.title} ${cellText(cell, column)}`]

/** The title, and what every row says. */
export const captionOf = ({ title, everywhere }: LeanTable): string =>
  [title, ...everywhere === '' ? [] : [`(everywhere: ${everywhere})`]].filter((part) => part !== '').join(' ')
