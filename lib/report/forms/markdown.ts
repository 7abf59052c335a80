// A report as Markdown: GitHub's tables, no pictures, so that it can go into an issue or a chat as it is.

import type { Code, ReportDocument } from '../document.ts'
import type { Table } from '../table.ts'
import { cellText, numericColumns } from './cells.ts'
import { captionOf, leanSections } from './lean.ts'
import type { LeanSection } from './lean.ts'
import { codeText } from './markup.ts'

export function formatMarkdown (document: ReportDocument): string {
  const blocks = [
    `# ${escapeMarkdown(document.title)}`,
    `**${escapeMarkdown(document.headline)}**`,
    list(document.findings),
    ...leanSections(document.sections).flatMap(sectionBlocks),
    ...(document.notes.length === 0 ? [] : ['## Notes', list(document.notes)])
  ]
  return blocks.filter((block) => block !== '').join('\n\n') + '\n'
}

function sectionBlocks ({ title, text, tables, code = [] }: LeanSection): string[] {
  if (tables.length === 0 && code.length === 0 && text === undefined) return []
  return [
    `## ${escapeMarkdown(title)}`,
    ...(text === undefined ? [] : [escapeMarkdown(text)]),
    ...code.flatMap(codeBlocks),
    ...tables.flatMap((table) => [...(captionOf(table) === title || captionOf(table) === '' ? [] : [`### ${escapeMarkdown(captionOf(table))}`]), tableBlock(table)])
  ]
}

/** Between fences that are longer than any in the text. */
function codeBlocks ({ title, language, text }: Code): string[] {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return [...(title === '' ? [] : [escapeMarkdown(title)]), `${fence}${language.replace(/[^a-z]/g, '')}\n${codeText(text)}\n${fence}`]
}

function tableBlock (table: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const head = table.columns.map(({ title }) => escapeMarkdown(title))
  const rule = numericColumns(table).map((numeric) => numeric ? '---:' : '---')
  const rows = table.rows.map((row) => table.columns.map((column, index) => escapeMarkdown(cellText(row[index] ?? null, column))))
  return [head, rule, ...rows].map(line).join('\n')
}

const list = (items: readonly string[]): string => items.map((item) => `* ${escapeMarkdown(item)}`).join('\n')

/** One line of text that means itself wherever it stands: no emphasis, link, markup, cell border or list begins in it. */
export const escapeMarkdown = (text: string): string => text
  // eslint-disable-next-line no-control-regex
  .replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ')
  .trim()
  .replace(/&/g, '&amp;')
  .replace(/</g, '&lt;')
  .replace(/[\\`*_[\]>|~$]/g, '\\$&')
  .replace(/:\/\/|(?<=www)\.|@/gi, (link) => link === '@' ? '&#64;' : link === '.' ? '&#46;' : ':&#47;/')
  .replace(/^([-+=#])/, '\\$1')
  .replace(/^(\d+)([.)])(?=\s|$)/, '$1\\$2')
