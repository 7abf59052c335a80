// A comparison in sentences and one table, as text or as Markdown.

import { formatText } from '../report/index.ts'
import type { Table } from '../report/index.ts'
import type { Comparison } from './comparison.ts'

export function comparisonText (comparison: Comparison, markdown: boolean): string {
  const { newFlows, establishedFlows: { sameMachine, otherMachine, count }, slots, frontends, services, causes, notes } = comparison
  const list = markdown ? '* ' : ''
  const sentences = [
    `${percent(newFlows.movedShare)} of new flows go elsewhere (${newFlows.moved} of ${newFlows.count}, seed ${newFlows.seed}); ${percent(slots.differingShare)} of slots differ (${slots.from}), in ${frontends.differing} of ${frontends.compared} frontends.`,
    `Of ${count} established flows ${percent(sameMachine.movedShare)} move on the same machine, which keeps its conntrack entries${sameMachine.draining > 0 ? ` (${sameMachine.draining} drain)` : ''}; ${percent(otherMachine.movedShare)} when another machine takes them.`,
    ...(services.made < services.of ? [`${services.made} of ${services.of} services were compared.`] : []),
    ...(frontends.onlyA + frontends.onlyB > 0 ? [`Frontends that take flows on one side only: ${frontends.onlyA} on a, ${frontends.onlyB} on b.`] : []),
    ...(causes.length === 0 ? ['Nothing differs that would move a flow.'] : causes.map(({ detail }) => `Why: ${detail}.`))
  ]
  const table = worstTable(comparison)
  return [
    `${markdown ? '## ' : ''}${sideText(comparison.a)} -> ${sideText(comparison.b)}`, ...(markdown ? [''] : []),
    ...sentences.map((sentence) => list + sentence), '',
    ...(table.rows.length === 0 ? [] : [markdown ? `\`\`\`\n${formatText(table).trimEnd()}\n\`\`\`` : formatText(table), '']),
    ...notes.map((note) => `* ${note}`), ''
  ].join('\n')
}

function worstTable ({ worst }: Comparison): Table {
  return {
    title: 'Frontends that move most',
    columns: [
      { key: 'service', title: 'service' }, { key: 'frontend', title: 'frontend' }, { key: 'ma', title: 'M of a', as: 'plain' }, { key: 'mb', title: 'M of b', as: 'plain' },
      { key: 'na', title: 'N of a' }, { key: 'nb', title: 'N of b' }, { key: 'slots', title: 'slots', as: 'percent' },
      { key: 'flows', title: 'flows' }, { key: 'moved', title: 'moved', as: 'percent' }
    ],
    rows: worst.map(({ service, address, port, protocol, a, b, slotsShare, flows, movedFlows }) => [
      `${service.namespace}/${service.name}`, `${address.includes(':') ? `[${address}]` : address}:${port}/${protocol}`, a?.m ?? null, b?.m ?? null,
      a?.backends ?? null, b?.backends ?? null, slotsShare, flows, flows === 0 ? null : movedFlows / flows
    ])
  }
}

function sideText ({ name, release, layout, algorithm, tableSizePolicy }: Comparison['a']): string {
  const m = algorithm === 'random' ? 'random selection' : 'fixed' in tableSizePolicy ? `M = ${tableSizePolicy.fixed}` : `M by ${tableSizePolicy.perService.perBackend} per backend`
  return `${name} (${release}, ${layout}, ${m})`
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`
