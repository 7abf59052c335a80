// A report as one page: the answer first, then findings, pictures with the numbers behind each, tables, and how it was asked. Nothing
// from elsewhere, no scripts; it is read on a phone, in the dark, on paper, and by a screen reader alike.

import type { Axis, Chart, Code, ReportDocument } from '../document.ts'
import type { Cell, Column, Table } from '../table.ts'
import { cellText, numericColumns, wordyColumns } from './cells.ts'
import { axisTitle } from './chart/labels.ts'
import { leanSections, leanTable } from './lean.ts'
import type { LeanSection, LeanTable } from './lean.ts'
import { codeText, escapeMarkup } from './markup.ts'
import { chartStyle, chartSvg } from './svg.ts'

/** How a report was asked for, and where its other forms are. */
export interface Asked {
  /** line for a shell that gives the report again */
  readonly command: string
  /** addresses of other forms by their name */
  readonly forms?: ReadonlyArray<{ readonly name: string, readonly href: string }>
  /** address of one chart as a picture, by its id */
  readonly chartHref?: (id: string) => string
}

export function formatPage (document: ReportDocument, asked?: Asked): string {
  const { title, headline, findings, sections, notes } = document
  const body = [
    `<header><p class="about">${escapeMarkup(title)}</p><h1>${prose(headline)}</h1>${list(findings)}</header>`,
    ...leanSections(sections).map((section, index) => sectionMarkup(section, index, asked)),
    ...(notes.length === 0 ? [] : [`<section><h2>How these figures came about</h2>${list(notes)}</section>`]),
    ...(asked === undefined ? [] : [askedMarkup(asked)])
  ]
  return '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">' +
    `<title>${escapeMarkup(title)}</title><style>${pageStyle}${chartStyle}</style></head><body><main>\n${body.join('\n')}\n</main></body></html>\n`
}

const list = (items: readonly string[]): string =>
  items.length === 0 ? '' : `<ul>${items.map((item) => `<li>${prose(item)}</li>`).join('')}</ul>`

/** Sentences, in which no line ends between a number and its unit. */
const prose = (text: string): string => escapeMarkup(text.replace(/(?<=\d) (?=(?:%|[kMGT]?i?B|[mµn]?s|min)(?![\w]))/g, '\u00a0'))

function sectionMarkup ({ title, text, charts, tables, code = [] }: LeanSection, index: number, asked: Asked | undefined): string {
  return `<section><h2>${escapeMarkup(title)}</h2>` + (text === undefined ? '' : `<p>${prose(text)}</p>`) +
    charts.map((chart, at) => figureMarkup(chart, `p${index}-${at}`, asked)).join('') +
    code.map(codeMarkup).join('') + tables.map((table) => table.folded === true ? foldedMarkup(table) : tableMarkup(table, title)).join('') + '</section>'
}

/** A browser ignores the first line end after `<pre>`, none here is the first. */
const codeMarkup = ({ title, text }: Code): string =>
  `<figure><figcaption>${escapeMarkup(title)}</figcaption><pre tabindex="0" aria-label="${escapeMarkup(title)}"><code>${escapeMarkup(codeText(text))}</code></pre></figure>`

const foldedMarkup = (table: LeanTable): string =>
  `<details><summary>${escapeMarkup(table.title)}</summary>${tableMarkup(table, table.title)}</details>`

/** Two pictures of the same chart, of which the width of the window shows one: letters stay letters on a phone. */
function figureMarkup (chart: Chart, prefix: string, asked: Asked | undefined): string {
  const picture = (style: string, width: number): string =>
    `<div class="${style}">${chartSvg(chart, { prefix: `${prefix}-${style}`, width, styled: false })}</div>`
  const link = asked?.chartHref === undefined ? '' : ` <a href="${escapeMarkup(asked.chartHref(chart.id))}">As a picture (SVG)</a>`
  return `<figure>${picture('broad', 760)}${picture('slim', 360)}<figcaption>${escapeMarkup(chart.description)}${link}</figcaption>` +
    `<details><summary>The numbers of this picture</summary>${tableMarkup(leanTable(chartTable(chart)), '')}</details></figure>`
}

/** Every point of a chart, as numbers. */
function chartTable ({ title, x, y, series }: Chart): Table {
  const points = series.flatMap(({ name, points }) => points.map((point) => ({ name, ...point })))
  const ranged = points.some(({ low, high }) => low !== undefined || high !== undefined)
  const noted = points.some(({ note }) => note !== undefined)
  const as = (axis: Axis): Pick<Column, 'as'> => axis.unit === 'share' ? { as: 'percent' } : {}
  const value = (key: string, title: string): Column => ({ key, title, ...as(y) })
  return {
    title,
    columns: [
      { key: 'series', title: 'series' },
      { key: 'x', title: axisTitle({ ...x, scale: 'linear' }), ...as(x) },
      value('y', axisTitle({ ...y, scale: 'linear' })),
      ...(ranged ? [value('low', 'from'), value('high', 'to')] : []),
      ...(noted ? [{ key: 'note', title: 'how' }] : [])
    ],
    rows: points.map(({ name, x, y, low = null, high = null, note = null }): Cell[] =>
      [name, x, y, ...(ranged ? [low, high] : []), ...(noted ? [note] : [])])
  }
}

/** @param above heading that says the same already */
function tableMarkup (table: LeanTable, above: string): string {
  const [numeric, wordy] = [numericColumns(table), wordyColumns(table)]
  const style = (index: number): string => numeric[index] === true ? ' class="number"' : wordy[index] === true ? ' class="words"' : ''
  const head = table.columns.map(({ title }, index) => `<th scope="col"${style(index)}>${escapeMarkup(title)}</th>`).join('')
  const rows = table.rows.map((row) => `<tr>${table.columns.map((column, index) => {
    const text = escapeMarkup(cellText(row[index] ?? null, column))
    return index === 0 ? `<th scope="row"${style(index)}>${text}</th>` : `<td${style(index)}>${text}</td>`
  }).join('')}</tr>`)
  const title = table.title === above && table.everywhere !== '' ? '' : table.title
  const everywhere = table.everywhere === '' ? '' : ` <span class="everywhere">everywhere: ${escapeMarkup(table.everywhere)}</span>`
  const caption = `<caption${title === above ? ' class="spoken"' : ''}><span>${escapeMarkup(title)}${everywhere}</span></caption>`
  // a region that scrolls has to be reached by keyboard, and to have a name
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeMarkup(table.title === '' ? 'Table' : table.title)}">` +
    `<table>${caption}<thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}

function askedMarkup ({ command, forms = [] }: Asked): string {
  const links = forms.map(({ name, href }) => `<a href="${escapeMarkup(href)}">${escapeMarkup(name)}</a>`)
  return `<section><h2>How it was asked</h2><pre tabindex="0">${escapeMarkup(command)}</pre>` +
    (links.length === 0 ? '' : `<p>The same as ${links.join(', ')}.</p>`) + '</section>'
}

const pageStyle = [
  ':root{color-scheme:light dark;--page:#fff;--text:#1b1f24;--soft:#4a525c;--edge:#d5dae0;--wash:#f3f5f8;--shade:#0003;--link:#0060a8}',
  '@media screen and (prefers-color-scheme:dark){:root{--page:#14171c;--text:#e8ebef;--soft:#aab3bd;--edge:#353b44;--wash:#1c2027;--shade:#000c;--link:#6db3f2}}',
  '*{box-sizing:border-box}html{background:var(--page)}body{margin:0;color:var(--text);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}',
  'main{max-width:80rem;margin:0 auto;padding:1.5rem 1rem 3rem;overflow-wrap:break-word}header,p,section>ul{max-width:60rem}.about{margin:0;color:var(--soft)}',
  'h1{font-size:clamp(1.25rem,1rem + 1vw,1.6rem);line-height:1.3;margin:.2rem 0 1rem}h2{font-size:1.3rem;margin:2.2rem 0 .6rem}ul{padding-left:1.2rem}li{margin:.2rem 0}',
  'a{color:var(--link)}figure{margin:1rem 0 1.6rem}.chart{display:block;max-width:100%;height:auto}.slim{display:none}',
  '@media screen and (max-width:680px){.broad{display:none}.slim{display:block}}',
  'figcaption{color:var(--soft);font-size:.9rem;max-width:48rem;margin:.3rem 0}summary{cursor:pointer;color:var(--link);font-size:.9rem;padding:.3rem 0}',
  // the shade at the right edge goes with what is hidden there: a cover that scrolls along lies on it at the end
  '.scroll{overflow-x:auto;margin:.6rem 0 1.4rem;background:linear-gradient(to left,var(--page) 35%,transparent) right/3rem 100% no-repeat local,' +
    'linear-gradient(to left,var(--shade),transparent) right/1rem 100% no-repeat scroll}:focus-visible{outline:2px solid var(--link);outline-offset:2px}',
  'table{border-collapse:separate;border-spacing:0;width:max-content;font-size:.88rem;font-variant-numeric:tabular-nums}',
  // a caption may be wider than its table, and does not widen it
  'caption{contain:inline-size;text-align:left;font-weight:600;padding:.3rem 0}caption>span{position:sticky;left:0;display:inline-block;width:max-content;max-width:min(60rem,calc(100vw - 2rem))}',
  '.everywhere{font-weight:400;color:var(--soft)}caption.spoken{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}',
  'th,td{padding:.28rem .6rem;text-align:left;border-bottom:1px solid var(--edge);vertical-align:top;white-space:nowrap}',
  'thead th{background:var(--wash);color:var(--soft);vertical-align:bottom}.words{white-space:normal;max-width:24rem}tbody th{font-weight:500}.number{text-align:right}',
  'tr>:first-child{position:sticky;left:0;z-index:1;box-shadow:inset -1px 0 var(--edge)}tbody tr>:first-child{background:var(--page)}tbody tr:hover>*{background:var(--wash)}',
  // on a phone the row's name leaves room for the first figures
  '@media screen and (max-width:680px){tr>:first-child{max-width:9.5rem;white-space:normal}th,td{padding:.28rem .45rem}thead th{max-width:6.5rem;white-space:normal;overflow-wrap:normal}.words{max-width:16rem}}',
  'pre{overflow-x:auto;padding:.7rem .9rem;border:1px solid var(--edge);border-radius:.3rem;background:var(--wash);font:.85rem/1.5 ui-monospace,monospace}',
  '@media print{main{max-width:none;padding:0}.scroll{overflow:visible;background:none}table{width:auto;font-size:.6rem}th,td{white-space:normal}tr>:first-child{position:static}th,td{padding:.15rem .25rem}figure,tr{break-inside:avoid}',
  'h2{break-after:avoid}summary{display:none}details::details-content{content-visibility:visible;display:block}}'
].join('')
