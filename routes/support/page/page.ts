// The page at /: answers first. Whole without scripts; /page.js only saves loading it again, and replaces the elements with data-region.

import { counted, formatBytes, overviewTable, presentReport } from '../../../lib/report/index.ts'
import type { ReportKind } from '../../../lib/report/index.ts'
import { chartSvg } from '../../../lib/report/forms/svg.ts'
import type { About, KernelParity } from '../context.ts'
import { pageKinds } from './answers.ts'
import type { PageKind, PageReports } from './answers.ts'
import { flowBox } from './flow.ts'
import type { FlowAnswer } from './flow.ts'
import { box, html, link, none, table, text } from './markup.ts'
import type { Markup, Shell } from './markup.ts'

export interface PageView {
  readonly about: About
  readonly reports: PageReports
  /** the mix as typed; null: none was */
  readonly typedMix: string | null
  /** why that is none */
  readonly mixError: string | null
  readonly flow: FlowAnswer
  /** flows to frontends that there are */
  readonly suggestions: readonly string[]
  /** manifest to begin with */
  readonly manifest: string
  readonly parity: KernelParity
  readonly curl: Shell
}

export const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

export function renderPage (view: PageView): string {
  const { about, reports } = view
  const documents = pageKinds.map((kind) => ({ kind, ...presentReport(reports.of[kind]) }))
  const headline = documents[0]?.headline ?? ''
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(headline)}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css"><script type="module" src="/page.js"></script></head>
<body><a class="skip" href="#main">To the answers</a>
<header><p class="quiet"><strong>${text(about.name)}</strong>: Cilium's Maglev load balancer as a real BPF program on emulated nodes. <span id="subject" data-region>${text(subjectSentence(reports))}</span></p>
<h1 id="headline" data-region aria-live="polite">${text(headline)}</h1>
${mixForm(view)}</header>
<main id="main">
${nodesBox(view)}
${chartBox(view)}
${flowBox(view.flow, view.typedMix, view.suggestions, view.curl, importCurl(view))}
${findingsBox(view, documents)}
${importBox(view)}
${kernelBox(view)}
</main>
<footer><ul>${pages.map(([href, label]) => html`<li>${link(href, label)}</li>`)}</ul><p class="quiet">${text(`${about.name} ${about.version}`)}</p></footer>
</body></html>
`
}

const pages = [
  ['/docs', 'API to read and try'], ['/v1/nodes', 'nodes'], ['/v1/services', 'services'], ['/v1/reports', 'reports'], ['/v1/runs', 'runs'],
  ['/v1/limits', 'limits'], ['/openapi.yaml', 'openapi.yaml'], ['/metrics', 'metrics'], ['/version', 'version']
] as const

function subjectSentence ({ mix, of: { memory: { subject } } }: PageReports): string {
  return mix === null
    ? `Figures are of the cluster in this process, revision ${subject.revision}: ${counted(subject.frontends, 'frontend')} with a table.`
    : `Figures are of the mix ${mix}: ${counted(subject.frontends, 'frontend')}, nothing of it is in the cluster.`
}

function mixForm ({ typedMix, mixError, reports }: PageView): Markup {
  const example = typedMix ?? reports.mix ?? ''
  return html`<form method="get" action="/" data-live><label for="mix">Your services, as count x backends (empty: the cluster)</label>
<div class="field"><input id="mix" name="mix" value="${text(example)}" placeholder="700x3,200x10" maxlength="4096" autocomplete="off" spellcheck="false" autocapitalize="off" aria-describedby="mix-error"><button>Show the costs</button></div></form>
<p id="mix-error" class="error" data-region aria-live="polite">${mixError === null ? none : text(mixError)}</p>
<p id="page-error" class="error" aria-live="polite"></p>`
}

const reportCurl = ({ curl, reports }: PageView, kind: PageKind): string => curl.get(reportPath(reports, kind, {}))

const isPageKind = (kind: ReportKind): kind is PageKind => pageKinds.some((known) => known === kind)

/** On the same services as the page, and what the page asked where it asked that kind. */
function reportPath ({ mix, questions }: PageReports, kind: ReportKind, more: Readonly<Record<string, string | number>>): string {
  const asked = { ...(mix === null ? {} : { mix }), ...(isPageKind(kind) ? questions[kind] : {}), ...more }
  const query = Object.entries(asked).map(([name, value]) => `${name}=${value}`).join('&')
  return `/v1/reports/${kind}${query === '' ? '' : `?${query}`}`
}

const nodesText = 'Bytes of the tables, and with their outer maps, are as the kernel reports them (memlock); allocated is what it takes for both. ' +
  'Flows move when one backend of a service leaves, without need those that were not its own. A restart is live when its last table is, ' +
  'each update of an outer map waiting for a grace period. Ranges are over the sizes of services.'

function nodesBox (view: PageView): Markup {
  const overview = overviewTable(view.reports.of)
  // times that nobody has measured yet take no room
  const shown = overview.columns.map((_, index) => overview.rows.some((cells) => cells[index] !== null))
  const columns = overview.columns.filter((_, index) => shown[index])
  const rows = overview.rows.map((cells) => cells.filter((_, index) => shown[index]))
  const { benchmark } = view.reports.of['lookup-cost']
  return box({
    id: 'nodes',
    title: overview.title,
    body: html`<p class="quiet">${text(nodesText)} ${benchmark === null
      ? html`Times are not measured yet: <code>POST /v1/runs {"kind":"benchmark"}</code> does, and they are shown here.`
      : html`Times are those of run ${link(`/v1/runs/${benchmark.run}`, String(benchmark.run))}, measured ${text(benchmark.measuredAt)} on ${text(benchmark.machine.cpu)}.`}</p>
${table('Costs of each node',
      columns.map(({ title }, index) => ({ title, number: index > 1 })),
      rows.map((cells) => cells.map((cell, index) => ({ body: text(cell === null ? '-' : String(cell)), number: index > 1 }))), 'cards')}`,
    curl: pageKinds.map((kind) => reportCurl(view, kind))
  })
}

/** Drawn twice: letters keep their size on a phone. */
const chartWidths = [['wide', 1040], ['narrow', 350]] as const

function chartBox (view: PageView): Markup {
  const charts = presentReport(view.reports.of.memory).sections.flatMap(({ charts }) => charts)
  return box({
    id: 'bytes',
    title: 'Bytes over service size',
    body: html`${charts.slice(0, 1).map((chart) => html`<figure>${chartWidths.map(([name, width]) => html`<div class="${text(name)}">${chartSvg(chart, { prefix: `${chart.id}-${name}`, width }) as Markup}</div>`)}
<figcaption>Point at a mark, touch it, or go through them by the arrow keys: number and formula.</figcaption><p class="readout" role="status"></p></figure>`)}`,
    curl: [reportCurl(view, 'memory')]
  })
}

interface Findings {
  readonly kind: PageKind
  readonly title: string
  readonly headline: string
  readonly findings: readonly string[]
}

function findingsBox (view: PageView, documents: readonly Findings[]): Markup {
  return box({
    id: 'findings',
    title: 'What the reports find',
    body: html`${documents.map(({ kind, title, headline, findings }, index) => html`<h3>${link(reportPath(view.reports, kind, { format: 'html' }), title)}</h3>${index === 0 ? none : html`<p>${text(headline)}</p>`}<ul>${findings.map((finding) => html`<li>${text(finding)}</li>`)}</ul>`)}
<p>How evenly slots and flows are spread: ${link(reportPath(view.reports, 'balance', { format: 'html' }), 'balance')}.</p>
<p>What to set: ${adviceLinks(view.reports)}.</p>`,
    curl: documents.map(({ kind }) => reportCurl(view, kind))
  })
}

/** Limits to begin with; the address takes any. */
function adviceLinks (reports: PageReports): Markup {
  const limited = (limits: Readonly<Record<string, number>>, label: string): Markup =>
    link(reportPath(reports, 'advice', { ...limits, format: 'html' }), label)
  const [today] = reports.of.memory.nodes
  const half = Math.floor((today?.maglev.memlockBytes ?? 0) / 2)
  return html`${limited({}, 'to be no worse off than today')}, ${limited({ maxCollateralShare: 0.01 }, 'so that at most 1 % of flows move without need')}, or ${
    half === 0 ? none : html`${limited({ maxBytesPerNode: half }, `with at most ${formatBytes(half)} of load-balancer maps`)}, or `}${limited({ maxConvergenceSeconds: 1 }, 'so that a restart is live within a second')}`
}

const importCurl = ({ curl }: PageView): string => curl.file('/v1/imports', 'application/yaml', 'examples/echo.yaml')

function importBox (view: PageView): Markup {
  return box({
    id: 'imports',
    title: 'Bring your services',
    form: true,
    body: html`<p>Services, EndpointSlices, Nodes and the ConfigMap cilium-config, as <code>kubectl get -o yaml</code> or <code>-o json</code> prints them. They stay in this process.</p>
<form id="import-form" hidden><div id="drop" class="drop"><label for="manifest">Drop a file here, or paste a manifest</label>
<textarea id="manifest" rows="8" spellcheck="false">${text(view.manifest)}</textarea>
<div class="field"><button>Import what is above</button><label for="manifest-file">or a file</label><input id="manifest-file" type="file" accept=".yaml,.yml,.json"></div></div></form>
<p id="import-result" role="status"></p>`,
    curl: [importCurl(view)]
  })
}

function kernelBox ({ parity: { compared, differing, kernel, date, suites }, curl }: PageView): Markup {
  const number = (value: number): Markup => text(value.toLocaleString('en-US'))
  return box({
    id: 'kernel',
    title: 'How far to trust it',
    body: html`<p>When this was built, <strong>${number(compared)}</strong> comparisons with a running Linux ${text(kernel)} were made (${text(date)}): verdicts, bytes, memlock, key order, errno, translated instructions. <strong>${number(differing)}</strong> differed.</p>
<details><summary>${text(`${suites.length} suites`)}</summary>${table('Comparisons by suite', [{ title: 'suite' }, { title: 'compared', number: true }, { title: 'differed', number: true }],
      suites.map(({ suite, compared, differing }) => [{ body: text(suite) }, { body: number(compared), number: true }, { body: number(differing), number: true }]))}</details>`,
    curl: [curl.get('/version')]
  })
}
