// Tables for terminals, and whole reports as text.

import type { ReportDocument } from '../document.ts'
import type { Table } from '../table.ts'
import { cellText, numericColumns } from './cells.ts'

/** Title, answer, findings, every table of every section, notes. */
export function formatDocumentText (document: ReportDocument): string {
  const blocks = [
    lines(document.title, document.headline, ...document.findings),
    ...document.sections.flatMap(({ title, text, tables }) => tables.map((table, index) => index === 0
      ? lines(...(tables.length > 1 && title !== table.title ? [title] : []), ...(text === undefined ? [] : [text])) + formatText(table)
      : formatText(table))),
    lines(...document.notes.map((note) => `* ${note}`))
  ]
  return blocks.filter((block) => block !== '').join('\n')
}

const lines = (...texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('')

/** Columns of numbers are aligned right, others left; a heading goes with its column. */
export function formatText (table: Table): string {
  const cells = table.rows.map((row) => table.columns.map((column, index) => cellText(row[index] ?? null, column)))
  const numeric = numericColumns(table)
  const widths = table.columns.map((column, index) => Math.max(column.title.length, ...cells.map((row) => row[index]?.length ?? 0)))
  const line = (row: readonly string[]): string => row
    .map((text, index) => numeric[index] === true ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0))
    .join('  ').trimEnd()
  return [table.title, line(table.columns.map((column) => column.title)), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)]
    .filter((text) => text !== '').join('\n') + '\n'
}
