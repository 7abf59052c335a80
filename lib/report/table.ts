// The one shape that every tabular form is printed from, and two of the forms: RFC 4180 CSV and aligned text.

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

const thousands = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',')

function textCell (cell: Cell, column: Column): string {
  if (cell === null) return '-'
  if (typeof cell !== 'number') return String(cell)
  if (column.as === 'percent') return `${(cell * 100).toFixed(2)} %`
  if (column.as === 'decimal') return cell.toFixed(1)
  if (!Number.isInteger(cell)) return cell.toFixed(2)
  return column.as === 'plain' ? String(cell) : thousands(cell)
}

/** Columns of numbers are aligned right, others left; a heading goes with its column. */
export function formatText (table: Table): string {
  const cells = table.rows.map((row) => table.columns.map((column, index) => textCell(row[index] ?? null, column)))
  const numeric = table.columns.map((_, index) => table.rows.some((row) => typeof row[index] === 'number'))
  const widths = table.columns.map((column, index) => Math.max(column.title.length, ...cells.map((row) => row[index]?.length ?? 0)))
  const line = (row: readonly string[]): string => row
    .map((text, index) => numeric[index] === true ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0))
    .join('  ').trimEnd()
  return [table.title, line(table.columns.map((column) => column.title)), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)]
    .filter((text) => text !== '').join('\n') + '\n'
}
