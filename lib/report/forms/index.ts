// The forms of a report: JSON is the object itself, the others are made from the document that its kind makes of it.

import { ReportRefusal } from '../context.ts'
import type { Chart, ReportDocument } from '../document.ts'
import { presentReport } from '../kinds.ts'
import type { Report } from '../kinds.ts'
import { formatCsv } from './csv.ts'
import { formatMarkdown } from './markdown.ts'
import type { Asked } from './page.ts'
import { formatDocumentText } from './text.ts'

export type { Asked } from './page.ts'

/** Media type of each form. */
export const reportMediaTypes = {
  json: 'application/json',
  text: 'text/plain; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
  md: 'text/markdown; charset=utf-8',
  html: 'text/html; charset=utf-8',
  svg: 'image/svg+xml'
} as const
export type ReportForm = keyof typeof reportMediaTypes
export const reportForms = Object.keys(reportMediaTypes) as readonly ReportForm[]

type DrawnForm = 'html' | 'svg'

export interface FormOptions {
  /** for `svg`: which chart; the first where left out */
  readonly chart?: string | undefined
  /** for `html`: how the report was asked for */
  readonly asked?: Asked | undefined
}

// drawing takes its time to load, and most who ask for a report do without
const loadSvg = () => import('./svg.ts')
const loadPage = () => import('./page.ts')

/**
 * The same report and options give the same bytes.
 * @throws ReportRefusal for a chart that the report has not
 */
export async function renderReport (report: Report, form: ReportForm, { chart, asked }: FormOptions = {}): Promise<string> {
  if (form === 'svg') {
    const picture = findChart(presentReport(report), chart)
    return (await loadSvg()).chartSvg(picture)
  }
  if (form === 'html') return (await loadPage()).formatPage(presentReport(report), asked)
  return formatReport(report, form)
}

/** The forms that need no drawing, at once. */
export function formatReport (report: Report, form: Exclude<ReportForm, DrawnForm>): string {
  if (form === 'json') return `${JSON.stringify(report)}\n`
  const document = presentReport(report)
  switch (form) {
    case 'csv': return formatCsv(document.records.columns, document.records.rows)
    case 'text': return formatDocumentText(document)
    case 'md': return formatMarkdown(document)
  }
}

function findChart (document: ReportDocument, id: string | undefined): Chart {
  const charts = document.sections.flatMap((section) => section.charts)
  const chart = id === undefined ? charts[0] : charts.find((one) => one.id === id)
  if (chart !== undefined) return chart
  const known = charts.length === 0 ? 'this report has no charts' : `there are ${charts.map((one) => one.id).join(', ')}`
  throw new ReportRefusal('/chart', id === undefined ? known : `there is no chart ${id}: ${known}`)
}
