// A report as something to read: one shape between what a report says (its own JSON) and the forms it is printed in. A kind of report
// says what goes where; text, Markdown, CSV, SVG and HTML are made from this alone, so that all of them say the same.

import type { Cell, Column, Table } from './table.ts'

export interface ReportDocument {
  /** what it is about: `Memory of the mix 700x3,200x10 (900 frontends)` */
  readonly title: string
  /** the answer in one sentence, with the figures that matter most */
  readonly headline: string
  /** what else is worth knowing before any table, a sentence each */
  readonly findings: readonly string[]
  readonly sections: readonly Section[]
  /** how the figures came about, a sentence each */
  readonly notes: readonly string[]
  /** the report as one table for spreadsheets; headings are the columns' keys */
  readonly records: { readonly columns: readonly Column[], readonly rows: ReadonlyArray<readonly Cell[]> }
}

export interface Section {
  readonly title: string
  /** what is to be seen here, in a sentence or two */
  readonly text?: string
  readonly charts: readonly Chart[]
  /** the numbers behind the charts, and others */
  readonly tables: readonly Table[]
  /** what is meant to be copied as it stands: files, command lines */
  readonly code?: readonly Code[]
}

/** Lines whose spaces count. */
export interface Code {
  /** a file's name, for example */
  readonly title: string
  /** for those who colour it: `yaml` */
  readonly language: string
  readonly text: string
}

/** A picture as data. */
export interface Chart {
  /** within its report, for `?chart=`: lower case and hyphens */
  readonly id: string
  readonly title: string
  /** for those who cannot see it: what it shows */
  readonly description: string
  /** `bars` are side by side in each category of x, `stacked` on top of each other; `lines` have a mark at every point */
  readonly form: 'lines' | 'bars' | 'stacked'
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
}

export interface Axis {
  readonly label: string
  /** `bytes`, `ns`, `s`, `%`, ...; null where it is a number or a name. `bytes` get kB, MB; `share` is of one and printed in percent */
  readonly unit: string | null
  readonly scale: 'linear' | 'log' | 'category'
}

export interface Series {
  readonly name: string
  readonly points: readonly Point[]
}

export interface Point {
  /** a text on category axes */
  readonly x: number | string
  readonly y: number
  /** ends of the interval that the value stands for */
  readonly low?: number
  readonly high?: number
  /** what a pointer over it tells: number and formula */
  readonly note?: string
}
