// A cell as people read it: the same words in text, Markdown and HTML.

import type { Cell, Column, Table } from '../table.ts'
import { formatSeconds } from '../words.ts'

export function cellText (cell: Cell, column: Column): string {
  if (cell === null) return '-'
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no'
  if (typeof cell === 'string') return cell
  if (column.as === 'percent') return `${(cell * 100).toFixed(2)} %`
  if (column.as === 'decimal') return cell.toFixed(1)
  if (column.as === 'seconds') return formatSeconds(cell)
  if (!Number.isInteger(cell)) return cell.toFixed(2)
  return column.as === 'plain' ? String(cell) : thousands(cell)
}

/** For each column whether it has numbers: those are aligned right. */
export const numericColumns = (table: Table): boolean[] =>
  table.columns.map((_, index) => table.rows.some((row) => typeof row[index] === 'number'))

/** For each column whether it has sentences rather than names and figures: those may take several lines. */
export const wordyColumns = (table: Table): boolean[] =>
  table.columns.map((_, index) => table.rows.some((row) => String(row[index] ?? '').length > longName))

/** letters that a name or a formula may have */
const longName = 32

const thousands = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',')
