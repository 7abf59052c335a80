// /: where to begin. Links as JSON for programs; for people the page, which answers before it is asked.

import { Type } from 'typebox'
import { formatMix, parseMix } from '../lib/report/index.ts'
import { SimError } from '../lib/sim/errors.ts'
import { answer } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { limits } from './support/limits.ts'
import { chosenFormat, formatQuery } from './support/negotiation.ts'
import { createPageReports, exampleMix, type PageReports } from './support/page/answers.ts'
import { createFlowAnswers } from './support/page/flow-answer.ts'
import { shell } from './support/page/markup.ts'
import { pagePolicy, renderPage } from './support/page/page.ts'

const links = {
  services: '/v1/services',
  imports: '/v1/imports',
  state: '/v1/state',
  nodeAddresses: '/v1/node-addresses',
  clock: '/v1/clock',
  nodes: '/v1/nodes',
  lookups: '/v1/lookups',
  runs: '/v1/runs',
  reports: '/v1/reports',
  limits: '/v1/limits',
  openapi: '/openapi.yaml',
  docs: '/docs',
  metrics: '/metrics',
  version: '/version',
  live: '/livez',
  ready: '/readyz'
}

const Landing = Type.Object({
  name: Type.String({ description: 'The program.' }),
  description: Type.String({ description: 'What it is.' }),
  version: Type.String({ description: 'Its version.' }),
  links: Type.Record(Type.String(), Type.String(), { description: 'Addresses by name.' })
}, { title: 'Landing', additionalProperties: false })

const description = 'An emulated Linux node on which Cilium\'s Maglev load balancer runs as a real BPF program.'

const Page = Type.String({ description: 'A page.' })

interface Shown {
  readonly reports: PageReports
  readonly mixError: string | null
}

export const root: Route = async (app, { about, sim, runs, documents, page }) => {
  const reportsOn = createPageReports(sim, runs)
  const answerFlow = createFlowAnswers(sim, documents, page.example)

  app.get('/', {
    config: { atOnce: limits.pagesAtOnce },
    schema: {
      operationId: 'getLanding',
      tags: ['service'],
      summary: 'Where to begin',
      description: 'Links as JSON. As a page: what the cluster, or a mix of service sizes, costs on every node, and where a flow goes.',
      querystring: Type.Object({
        ...formatQuery('json', 'html'),
        mix: Type.Optional(Type.String({ maxLength: limits.mixLength, description: 'Of the page: services by their number of backends; left out, the cluster, or an example while that is empty.' })),
        flow: Type.Optional(Type.String({ maxLength: 120, description: 'Of the page: `source:port,destination:port/protocol`.' })),
        trace: Type.Boolean({ default: false, description: 'Of the page: list every instruction that the flow executed.' })
      }, { additionalProperties: false }),
      response: {
        200: answer('Links, or the page.', { 'application/json': Landing, 'text/html': Page }),
        422: answer('The page, with what was wrong beside the field.', { 'text/html': Page })
      }
    }
  }, async (request, reply) => {
    if (chosenFormat(request) === 'json') return reply.send({ name: about.name, description, version: about.version, links })
    const { mix: typed = '', flow: typedFlow = '', trace } = request.query
    const flow = await answerFlow({ flow: typedFlow === '' ? undefined : typedFlow, trace })
    const { reports, mixError } = await reportsOrExample(typed, flow.isExample, request.signal)
    const origin = `${request.protocol}://${/^[\w.:[\]-]{1,255}$/.test(request.host) ? request.host : '127.0.0.1:8080'}`
    const html = renderPage({
      about, reports, mixError, flow, parity: page.parity, suggestions: flow.flows, manifest: flow.isExample ? page.example : '', curl: shell(origin), typedMix: typed === '' ? null : typed
    })
    const refused = mixError !== null || flow.error !== null
    return reply.code(refused ? 422 : 200).header('content-security-policy', pagePolicy).header('referrer-policy', 'no-referrer').type('text/html; charset=utf-8').send(html)
  })

  /** Where the mix is refused, what there would be without one. */
  async function reportsOrExample (typed: string, isEmpty: boolean, signal: AbortSignal): Promise<Shown> {
    const otherwise = isEmpty ? exampleMix : null
    if (typed === '') return { reports: await reportsOn(otherwise, signal), mixError: null }
    const parsed = parseMix(typed)
    if (!parsed.ok) return { reports: await reportsOn(otherwise, signal), mixError: parsed.message }
    try {
      return { reports: await reportsOn(formatMix(parsed.parts), signal), mixError: null }
    } catch (error) {
      if (error instanceof SimError) return { reports: await reportsOn(otherwise, signal), mixError: error.message }
      throw error
    }
  }
}
