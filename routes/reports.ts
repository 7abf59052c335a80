// /v1/reports: what services cost, of the cluster as it is or of a mix of service sizes, on nodes that are made for the question, with
// nothing changed here. GET has an address to pass on; POST takes every option, and which nodes to make.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { describeKind, reportKinds, type ReportKind } from '../lib/report/index.ts'
import { SimError } from '../lib/sim/errors.ts'
import type { ReportRequest } from '../lib/sim/types.ts'
import { answer, jsonAnswer } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { limits } from './support/limits.ts'
import { originOf, reportContent, reportFormQuery, sendReport, shellQuoted } from './support/report-forms.ts'
import { resolveOptions } from './support/report-options.ts'
import { reportBody, reportQuery } from './support/report-schemas.ts'
import { inSteps } from './support/steps.ts'

const tags = ['reports']

const Kinds = Type.Object({
  items: Type.Array(Type.Object({ kind: Type.String(), description: Type.String(), link: Type.String() }, { additionalProperties: false }))
}, { title: 'ReportKinds', description: 'The reports there are.', additionalProperties: false })

const Report = Type.Object({ kind: Type.String({ description: 'Kind of report.' }) }, {
  title: 'Report', description: 'Further members by the kind of report: `subject`, `nodes` with their `rows`, `notes`.', additionalProperties: true
})

const reportAnswer = answer('The report.', reportContent(Report))

export const reports: Route = async (app, { sim, runs, caches }) => {
  app.get('/v1/reports', {
    schema: { operationId: 'listReports', tags, summary: 'List reports', response: { 200: jsonAnswer('The reports there are.', Kinds) } }
  }, async () => ({ items: reportKinds.map((kind) => ({ kind, description: describeKind(kind), link: `/v1/reports/${kind}` })) }))

  for (const kind of reportKinds) {
    const name = kind.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())
    const what = { tags, description: describeKind(kind), response: { 200: reportAnswer } }

    app.get(`/v1/reports/${kind}`, {
      config: { atOnce: limits.reportsAtOnce },
      schema: { ...what, operationId: `get${name}Report`, summary: `Report on the cluster, or on a mix of service sizes: ${kind}`, querystring: Type.Object({ ...reportFormQuery, ...reportQuery(kind) }, { additionalProperties: false }) }
    }, async (request, reply) => {
      const { format, chart, nodes, ...options } = request.query as Record<string, unknown> & { nodes?: string }
      return send(request, reply, kind, { ...options, ...(nodes === undefined ? {} : { nodes: nodes.split(',') }) })
    })

    app.post(`/v1/reports/${kind}`, {
      bodyLimit: limits.reportBodyBytes,
      config: { turn: 'none', atOnce: limits.reportsAtOnce },
      schema: { ...what, operationId: `ask${name}Report`, summary: `Report on a mix of service sizes, or on the cluster: ${kind}`, querystring: Type.Object(reportFormQuery, { additionalProperties: false }), body: reportBody(kind) }
    }, async (request, reply) => send(request, reply, kind, request.body as object))
  }

  async function send (request: FastifyRequest, reply: FastifyReply, kind: ReportKind, asked: object): Promise<FastifyReply> {
    const options = resolveOptions(asked as Record<string, unknown>, { result: (id) => runs.result(id), caches })
    const report = await inSteps(sim.reportSteps({ kind, ...options } as ReportRequest)).catch((error: unknown) => {
      throw request.method === 'GET' && error instanceof SimError ? byParameter(error) : error
    })
    const address = `${originOf(request)}/v1/reports/${kind}`
    return sendReport(request, reply, report, request.method === 'POST'
      ? { command: `curl -s ${address} -H 'content-type: application/json' -d ${shellQuoted(JSON.stringify(asked))}` }
      : { address: request.url })
  }
}

/** Of a query parameter the name is its place. */
const byParameter = ({ code, message, places, facts }: SimError): SimError =>
  new SimError(code, message, { places: places.map(({ pointer, detail }) => ({ pointer: pointer.replace(/^\/([^/]*).*$/, '$1'), detail })), facts })
