// /v1/reports: what services cost. GET is about the cluster as it is; POST about a mix of service sizes, on nodes that are
// made for the question, with nothing changed here.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { formatReport, reportKinds, type ReportKind } from '../lib/report/index.ts'
import { SimError } from '../lib/sim/errors.ts'
import type { ReportRequest } from '../lib/sim/types.ts'
import { answer, jsonAnswer, text } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { chosenFormat, formatQuery } from './support/negotiation.ts'
import { ReportBody } from './support/schemas.ts'

const tags = ['reports']

const descriptions: Readonly<Record<ReportKind, string>> = {
  memory: 'Bytes of each service size: its Maglev table, its share of the outer map, its entries; and what moves when a backend leaves.',
  'lookup-cost': 'Instructions, map calls and memory accesses of one packet to a service of each size.'
}

// the kind is checked by hand: an unknown one is a 404, not a fault in a parameter
const ReportParams = Type.Object({ kind: Type.String({ minLength: 1, maxLength: 40, description: `Kind of report: ${reportKinds.join(', ')}.`, examples: ['memory'] }) })

const Kinds = Type.Object({
  items: Type.Array(Type.Object({ kind: Type.String(), description: Type.String(), link: Type.String() }, { additionalProperties: false }))
}, { title: 'ReportKinds', description: 'The reports there are.', additionalProperties: false })

const Report = Type.Object({ kind: Type.String({ description: 'Kind of report.' }) }, {
  title: 'Report', description: 'Further members by the kind of report: `subject`, `nodes` with their `rows`, `notes`.', additionalProperties: true
})

const reportAnswer = answer('The report.', {
  'application/json': Report, 'text/plain': text('Tables for people.'), 'text/csv': text('One table for spreadsheets (RFC 4180).')
})

export const reports: Route = async (app, { sim }) => {
  app.get('/v1/reports', {
    schema: { operationId: 'listReports', tags, summary: 'List reports', response: { 200: jsonAnswer('The reports there are.', Kinds) } }
  }, async () => ({ items: reportKinds.map((kind) => ({ kind, description: descriptions[kind], link: `/v1/reports/${kind}` })) }))

  app.get('/v1/reports/:kind', {
    schema: {
      operationId: 'getReport',
      tags,
      summary: 'Report on the cluster',
      params: ReportParams,
      querystring: Type.Object({
        ...formatQuery('json', 'text', 'csv'),
        nodes: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, pattern: '^[a-z0-9-]+(,[a-z0-9-]+)*$', description: 'Names of nodes, with commas; all where left out.' }))
      }, { additionalProperties: false }),
      response: { 200: reportAnswer }
    }
  }, async (request, reply) => {
    const { nodes } = request.query
    return send(request, reply, { kind: kindOf(request.params.kind), ...(nodes === undefined ? {} : { nodes: nodes.split(',') }) })
  })

  app.post('/v1/reports/:kind', {
    config: { turn: 'none' },
    schema: {
      operationId: 'reportMix',
      tags,
      summary: 'Report on a mix of service sizes',
      params: ReportParams,
      querystring: Type.Object(formatQuery('json', 'text', 'csv'), { additionalProperties: false }),
      body: ReportBody,
      response: { 200: reportAnswer }
    }
  }, async (request, reply) => send(request, reply, { kind: kindOf(request.params.kind), ...request.body } as ReportRequest))

  function send (request: FastifyRequest, reply: FastifyReply, asked: ReportRequest): FastifyReply {
    const report = sim.report(asked)
    const format = chosenFormat(request)
    if (format === 'csv') return reply.type('text/csv; charset=utf-8').send(formatReport(report, 'csv'))
    if (format === 'text') return reply.type('text/plain; charset=utf-8').send(formatReport(report, 'text'))
    return reply.send(report)
  }
}

function kindOf (text: string): ReportKind {
  const kind = reportKinds.find((candidate) => candidate === text)
  if (kind === undefined) throw new SimError('REPORT_NOT_FOUND', `There is no report ${JSON.stringify(text)}; there are ${reportKinds.join(' and ')}.`, { facts: { available: reportKinds } })
  return kind
}
