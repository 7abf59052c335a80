// The flow of the page, looked up: in the cluster, or while that is empty in a copy of its nodes that holds the example.

import { SimError } from '../../../lib/sim/errors.ts'
import { isForOutside } from '../../../lib/sim/traffic-plan.ts'
import type { Simulator } from '../../../lib/sim/types.ts'
import type { DocumentReader } from '../context.ts'
import { formatService, parseFlow } from '../endpoint.ts'
import type { FlowAnswer } from './flow.ts'

export interface FlowQuestion {
  /** as typed; undefined: none was */
  readonly flow: string | undefined
  readonly trace: boolean
}

interface Source {
  /** changes whenever the answer might */
  readonly state: string
  readonly sim: Simulator
  readonly isExample: boolean
  /** flows to the first frontends that there are */
  readonly flows: readonly string[]
}

/** what a few nodes do says enough */
const exampleNodes = 4
const flowsSuggested = 20

export type FlowAnswers = (question: FlowQuestion) => Promise<FlowAnswer & { readonly flows: readonly string[] }>

export function createFlowAnswers (sim: Simulator, documents: DocumentReader, example: string): FlowAnswers {
  let last: Source | null = null

  async function source (): Promise<Source> {
    const nodes = sim.listNodes().map(({ counts, memory, tableSizeChanges, ...settings }) => ({ settings, frontends: counts.frontends }))
    const isExample = nodes.every(({ frontends }) => frontends === 0)
    const state = JSON.stringify([sim.revision(), sim.changedAt(), nodes])
    if (last?.state === state) return last
    const asked = isExample ? sim.scratch(nodes.slice(0, exampleNodes).map(({ settings }) => settings.name)) : sim
    if (isExample) asked.importDocuments((await documents.read(Buffer.from(example), 'yaml')).documents, { operation: 'apply', dryRun: false })
    last = { state, sim: asked, isExample, flows: flowsTo(asked) }
    return last
  }

  return async ({ flow: typed, trace }) => {
    const { sim: asked, isExample, flows } = await source()
    const flow = typed ?? flows[0] ?? ''
    const answer = { flow, source: asked, isExample, traced: trace, flows }
    const parsed = parseFlow(flow)
    if (parsed === null) {
      const error = flow === '' ? null : 'This is not source:port,destination:port/protocol, such as 203.0.113.7:51022,172.20.0.10:443/tcp or [2001:db8::1]:51022,[2001:db8::a]:443/tcp.'
      return { ...answer, report: null, error }
    }
    try {
      return { ...answer, report: asked.lookup({ flows: [parsed], explain: true, trace }), error: null }
    } catch (error) {
      if (error instanceof SimError) return { ...answer, report: null, error: error.message }
      throw error
    }
  }
}

/** From a client out of the range for documentation. */
function flowsTo (sim: Simulator): string[] {
  const [node] = sim.listNodes()
  const frontends = node === undefined ? [] : sim.listFrontends(node.name)
  return frontends.filter((frontend) => frontend.table !== null && isForOutside(frontend)).slice(0, flowsSuggested)
    .map((frontend) => `${frontend.address.includes(':') ? '[2001:db8::7]' : '203.0.113.7'}:51022,${formatService(frontend).toLowerCase()}`)
}
