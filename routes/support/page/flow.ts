// "Where does this flow go?": what the nodes' programs do with it, step by step, beside each other; and if they do not agree, why.

import { reasons } from '../../../lib/datapath/index.ts'
import type { LookupReport, NodeLookup, Simulator, TraceStep } from '../../../lib/sim/types.ts'
import { box, html, link, none, table, text } from './markup.ts'
import type { Cell, Markup, Shell } from './markup.ts'

export interface FlowAnswer {
  /** as it was asked, or the example */
  readonly flow: string
  /** where the answer comes from: the cluster, or a copy of its nodes that holds only the example */
  readonly source: Simulator
  readonly isExample: boolean
  readonly traced: boolean
  /** null: the question was refused */
  readonly report: LookupReport | null
  /** why it was refused */
  readonly error: string | null
}

const path = (flow: string): string => `/v1/lookups?flow=${flow}&explain=true`

export function flowBox (answer: FlowAnswer, mix: string | null, suggestions: readonly string[], curl: Shell, importCurl: string): Markup {
  const nodes = answer.report?.results[0]?.nodes ?? []
  const agree = answer.report?.results[0]?.agree ?? true
  return box({
    id: 'flow-box',
    title: 'Where does this flow go?',
    form: true,
    body: html`
<form method="get" action="/" data-live>
${mix === null ? none : html`<input type="hidden" name="mix" value="${text(mix)}">`}
<label for="flow">Client and service, as source:port,destination:port/protocol</label>
<div class="field"><input id="flow" name="flow" value="${text(answer.flow)}" list="flows" maxlength="120" size="46" autocomplete="off" spellcheck="false" autocapitalize="off" aria-describedby="flow-error"><button>Ask the nodes</button></div>
<datalist id="flows">${suggestions.map((flow) => html`<option value="${text(flow)}"></option>`)}</datalist>
</form>
<p id="flow-error" class="error" data-region aria-live="polite">${answer.error === null ? none : text(answer.error)}</p>
<div id="flow-answer" data-region>
${answer.isExample ? html`<p class="quiet">This cluster has no service yet. The answer is that of the same nodes with the example service default/echo in them; import it below, and it is yours.</p>` : none}
${nodes.length === 0 ? none : html`<p aria-live="polite"><strong>${text(verdictSentence(nodes, agree))}</strong></p>${stepTable(answer, nodes)}${traces(answer, nodes, mix)}`}
</div>`,
    curl: [...(answer.isExample ? [importCurl] : []), ...(answer.error === null ? [curl.get(path(answer.flow))] : [])]
  })
}

/** What becomes of the packet, and why not the same everywhere. */
function verdictSentence (nodes: readonly NodeLookup[], agree: boolean): string {
  const [first] = nodes
  if (first === undefined) return ''
  if (agree) return `On ${nodes.length === 1 ? first.node : nodes.length === 2 ? 'both nodes' : `all ${nodes.length} nodes`} it ${fate(first)}.`
  return `The nodes do not agree: ${nodes.map((node) => `on ${node.node} it ${fate(node)}`).join('; ')}. ${whyNot(nodes)}`
}

function fate ({ verdict, backend, drop, fault }: NodeLookup): string {
  if (fault !== null) return `ends the program with a fault (${fault.message})`
  if (drop !== null) return `is dropped for Cilium's reason ${drop.code} (${reasonText(drop.step)})`
  if (backend !== null) return `goes to ${endpoint(backend)}`
  return verdict === 'XDP_PASS' ? 'is passed on untouched: it is not addressed to a service' : `ends with ${verdict}`
}

const reasonText = (step: string): string => reasons.find(({ name }) => name === step)?.text ?? step

const endpoint = ({ address, port }: { readonly address: string, readonly port: number }): string => `${address.includes(':') ? `[${address}]` : address}:${port}`

function whyNot (nodes: readonly NodeLookup[]): string {
  const different = (of: (node: NodeLookup) => unknown): boolean => new Set(nodes.map(of)).size > 1
  const slots = nodes.flatMap(({ explanation }) => explanation?.slot ?? [])
  if (different(({ verdict }) => verdict) || slots.length < nodes.length) return 'They do not hold the same frontends and tables: compare the steps.'
  if (different(({ explanation }) => explanation?.hash)) return 'They hash with different seeds.'
  if (new Set(slots.map(({ m }) => m)).size > 1) {
    return `Their tables have different sizes (M = ${slots.map(({ m }) => m).join(', ')}), so the same hash falls into another slot of another table.`
  }
  return 'Hash and slot are the same, but their tables are filled differently.'
}

interface Step {
  readonly name: string
  readonly of: (node: NodeLookup) => Markup
}

function stepTable ({ flow, source, isExample }: FlowAnswer, nodes: readonly NodeLookup[]): Markup {
  const dash = text('-')
  const at = (node: string, path: string, label: string): Markup => isExample ? text(label) : link(`/v1/nodes/${node}/${path}`, label)
  const steps: Step[] = [
    {
      name: 'frontend (revNAT id)',
      of: ({ node, explanation }) => explanation?.frontend == null
        ? text('none')
        : html`${at(node, `frontends/${explanation.frontend.id}`, String(explanation.frontend.id))} ${text(`${explanation.frontend.service.namespace}/${explanation.frontend.service.name}`)}`
    },
    { name: 'hash of the flow', of: ({ explanation }) => explanation?.hash == null ? dash : html`<code>${text(explanation.hash)}</code>` },
    {
      name: 'slot = hash mod M',
      of: ({ node, explanation }) => explanation?.slot == null
        ? dash
        : at(node, `frontends/${explanation.frontend?.id}/table`, `${explanation.slot.index} of ${explanation.slot.m}`)
    },
    { name: 'backend id in the slot', of: ({ explanation }) => explanation?.slot == null ? dash : text(explanation.slot.backendId ?? '-') },
    { name: 'its share of the slots', of: (node) => text(shareOfSlots(source, node)) },
    { name: 'backend address', of: ({ backend }) => backend === null ? dash : text(endpoint(backend)) },
    { name: 'verdict', of: ({ verdict }) => html`<code>${text(verdict)}</code>` },
    { name: 'dropped because', of: (node) => text(dropCause(source, node)) },
    { name: 'instructions', of: ({ cost }) => text(cost.instructions) },
    { name: 'map lookups, of them calls', of: ({ cost }) => text(`${cost.mapLookups}, ${cost.mapCalls}`) },
    { name: 'loads', of: ({ cost }) => text(accesses(cost.loads)) },
    { name: 'stores', of: ({ cost }) => text(accesses(cost.stores)) }
  ]
  const shown = steps.filter(({ name, of }) => name !== 'dropped because' || nodes.some((node) => of(node) !== dash))
  return table(`Steps of ${flow}`, [{ title: 'step' }, ...nodes.map(({ node }) => ({ title: node }))],
    shown.map(({ name, of }): Cell[] => [{ body: text(name) }, ...nodes.map((node) => ({ body: of(node) }))]))
}

/** How large a part of all flows this backend gets. */
function shareOfSlots (source: Simulator, { node, explanation }: NodeLookup): string {
  if (explanation?.frontend == null || explanation.slot?.backendId == null) return '-'
  const { counts, m } = source.getTable(node, explanation.frontend.id)
  return `${((counts[explanation.slot.backendId] ?? 0) / m * 100).toFixed(1)} %`
}

function dropCause (source: Simulator, { node, drop, explanation }: NodeLookup): string {
  if (drop === null) return '-'
  const why = explanation?.frontend == null ? null : source.getFrontend(node, explanation.frontend.id).reason
  return `${reasonText(drop.step)}${why === null ? '' : `: ${why}`} (${drop.step}, Cilium's reason ${drop.code})`
}

const accesses = (regions: NodeLookup['cost']['loads']): string => {
  const some = Object.entries(regions).filter(([, count]) => count > 0)
  return some.length === 0 ? 'none' : some.map(([region, count]) => `${region} ${count}`).join(', ')
}

function traces ({ flow, traced }: FlowAnswer, nodes: readonly NodeLookup[], mix: string | null): Markup {
  const query = new URLSearchParams({ ...(mix === null ? {} : { mix }), flow, trace: String(!traced) })
  const toggle = html`<p><a data-live href="/?${text(query.toString())}#flow-box">${text(traced ? 'Hide the instructions' : 'List every instruction with its line of C')}</a></p>`
  if (!traced) return toggle
  return html`${toggle}${nodes.map(({ node, trace = [] }) => html`<details open><summary>${text(`${node}: ${trace.length} instructions`)}</summary>
<pre class="trace" tabindex="0" aria-label="${text(`Instructions on ${node}`)}">${text(listing(trace))}</pre></details>`)}`
}

/** As bpftool prints a program: the C line where it changes, then its instructions. */
function listing (trace: readonly TraceStep[]): string {
  let line = ''
  return trace.map(({ insn, text, source }) => {
    const from = source === null || source.text === '' ? line : `; ${source.text}`
    const heading = from === line ? '' : `${from}\n`
    line = from
    return `${heading}${String(insn).padStart(4)}: ${text}\n`
  }).join('')
}
