// The forms of a report: JSON is the object itself, the others are made from the document that its kind makes of it.

import { presentReport } from '../kinds.ts'
import type { Report } from '../kinds.ts'
import { formatCsv } from './csv.ts'
import { formatDocumentText } from './text.ts'

/** Media type of each form. */
export const reportMediaTypes = {
  json: 'application/json', text: 'text/plain; charset=utf-8', csv: 'text/csv; charset=utf-8; header=present'
} as const
export type ReportForm = keyof typeof reportMediaTypes
export const reportForms = Object.keys(reportMediaTypes) as readonly ReportForm[]

/** The same report gives the same bytes. */
export function formatReport (report: Report, form: ReportForm): string {
  if (form === 'json') return `${JSON.stringify(report)}\n`
  const document = presentReport(report)
  switch (form) {
    case 'csv': return formatCsv(document.records.columns, document.records.rows)
    case 'text': return formatDocumentText(document)
  }
}
