// Pieces of the page: boxes with the request that gives their data, tables, links. Whatever comes from outside goes through `text`.

import { escapeMarkup } from '../../../lib/report/forms/markup.ts'
import { shellQuoted } from '../report-forms.ts'

/** Markup that is safe to put into the page as it is. */
export type Markup = string & { readonly markup: unique symbol }

export const text = (value: string | number): Markup => escapeMarkup(String(value)) as Markup

/** Markup with values in it: texts are escaped, markup and lists of markup are not. */
export function html (parts: TemplateStringsArray, ...values: ReadonlyArray<Markup | readonly Markup[] | number>): Markup {
  return parts.reduce((all, part, index) => {
    const value = values[index - 1] ?? ''
    return all + (Array.isArray(value) ? value.join('') : String(value)) + part
  }) as Markup
}

export const none = '' as Markup

export interface Box {
  /** of the element; the page's script replaces boxes by it */
  readonly id: string
  readonly title: string
  readonly body: Markup
  /** command lines that give the same data */
  readonly curl: readonly string[]
  /** the body has fields: it marks itself what may be replaced in it */
  readonly form?: true
}

export const box = ({ id, title, body, curl, form }: Box): Markup => html`
<section id="${text(id)}" class="box" aria-labelledby="${text(id)}-title">
<h2 id="${text(id)}-title">${text(title)}</h2>
${form === true ? body : html`<div id="${text(id)}-body" data-region>${body}</div>`}
<div class="curl" id="${text(id)}-curl" data-region><span>The same from a shell</span><pre tabindex="0" aria-label="${text(`Command lines: ${title}`)}">${curl.map((line) => html`<code>${text(line)}</code>`)}</pre></div>
</section>`

export interface Cell {
  readonly body: Markup
  readonly number?: boolean
}

interface Heading {
  readonly title: string
  readonly number?: boolean
}

const numeric = (number = false): Markup => number ? html` class="number"` : none

/**
 * The first cell of a row is its heading. A table wider than the screen scrolls by itself, by keyboard too; with `cards` a narrow screen
 * gets its rows below each other instead, every value under the name of its column. That takes the layout of a table away, and with it
 * what screen readers know of it: hence the roles.
 */
export const table = (caption: string, headings: readonly Heading[], rows: ReadonlyArray<readonly Cell[]>, form: 'scroll' | 'cards' = 'scroll'): Markup => html`
<div class="${text(form)}" tabindex="0" role="region" aria-label="${text(caption)}"><table role="table"><caption>${text(caption)}</caption>
<thead role="rowgroup"><tr role="row">${headings.map(({ title, number }) => html`<th role="columnheader" scope="col"${numeric(number)}>${text(title)}</th>`)}</tr></thead>
<tbody role="rowgroup">${rows.map((cells) => html`<tr role="row">${cells.map(({ body, number }, index) => index === 0
    ? html`<th role="rowheader" scope="row">${body}</th>`
    : html`<td role="cell" data-label="${text(headings[index]?.title ?? '')}"${numeric(number)}>${body}</td>`)}</tr>\n`)}</tbody></table></div>`

export const link = (href: string, label: string): Markup => html`<a href="${text(href)}">${text(label)}</a>`

/** `curl` lines against this server. */
export interface Shell {
  get (path: string): string
  post (path: string, body: object): string
}

/** @param origin where the reader reaches this server, `http://127.0.0.1:8080` */
export const shell = (origin: string): Shell => ({
  get: (path) => `curl -s ${shellQuoted(origin + path)}`,
  post: (path, body) => `curl -s -X POST ${shellQuoted(origin + path)} -H 'content-type: application/json' -d ${shellQuoted(JSON.stringify(body))}`
})
