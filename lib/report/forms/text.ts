// Tables for terminals, and whole reports as text.

import type { ReportDocument } from '../document.ts'
import type { Table } from '../table.ts'
import { cellText, numericColumns } from './cells.ts'
import { captionOf, leanSections } from './lean.ts'
import type { LeanSection } from './lean.ts'
import { codeText } from './markup.ts'

/** Title, answer, findings, every table of every section, notes. */
export function formatDocumentText (document: ReportDocument): string {
  const blocks = [
    lines(document.title, document.headline, ...document.findings),
    ...leanSections(document.sections).flatMap(sectionBlocks),
    lines(...document.notes.map((note) => `* ${note}`))
  ]
  return blocks.filter((block) => block !== '').join('\n')
}

/** The title of a section stands above its parts, unless the only one has a title that says enough. */
function sectionBlocks ({ title, text, tables, code = [] }: LeanSection): string[] {
  const parts = [...code.map((one) => `${one.title}\n${codeText(one.text)}\n`), ...tables.map((table) => formatText({ ...table, title: captionOf(table) }))]
  if (parts.length === 0) return []
  const head = lines(...(parts.length > 1 && title !== tables[0]?.title ? [title] : []), ...(text === undefined ? [] : [text]))
  return parts.map((part, index) => index === 0 ? head + part : part)
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
