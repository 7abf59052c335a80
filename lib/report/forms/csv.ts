// A table for spreadsheets: RFC 4180 CSV.

import type { Cell, Column } from '../table.ts'

/** A cell that a spreadsheet would take for a formula gets an apostrophe in front. */
const guarded = (text: string): string => /^[=+\-@\t\r]/.test(text) ? `'${text}` : text

function csvCell (cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell !== 'string') return String(cell)
  const text = guarded(cell)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** RFC 4180: header row, CRLF, quotes doubled. */
export function formatCsv (columns: readonly Column[], rows: ReadonlyArray<readonly Cell[]>): string {
  const lines = [columns.map((column) => csvCell(column.key)), ...rows.map((row) => row.map(csvCell))]
  return lines.map((line) => `${line.join(',')}\r\n`).join('')
}
