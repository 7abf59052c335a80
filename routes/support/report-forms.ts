// Reports in the form that was asked for: the same for reports that are answered at once and for the results of runs.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type, type TSchema } from 'typebox'
import { renderReport, ReportRefusal, reportMediaTypes } from '../../lib/report/index.ts'
import type { Asked, Report, ReportForm } from '../../lib/report/index.ts'
import { text } from './answers.ts'
import { policy } from './html.ts'
import { chosenFormat, formatQuery } from './negotiation.ts'
import { Problem } from './problems.ts'

/** `format=` and `chart=` of an address that gives reports. */
export const reportFormQuery = {
  ...formatQuery('json', 'text', 'csv', 'md', 'html', 'svg'),
  chart: Type.Optional(Type.String({
    minLength: 1, maxLength: 64, pattern: '^[a-z0-9-]+$', description: 'With format `svg`: id of the chart, the first where left out. 422 lists the ids.'
  }))
}

/** Content of an answer that gives reports; JSON comes first. */
export const reportContent = (json: TSchema): Record<string, TSchema> => ({
  'application/json': json,
  'text/plain': text('Tables for people.'),
  'text/csv': text('One table for spreadsheets (RFC 4180).'),
  'text/markdown': text('Findings and tables for issues and chats.'),
  'text/html': text('A page with pictures, without scripts, that needs nothing else.'),
  'image/svg+xml': text('One chart.')
})

interface Way {
  /** line for a shell that asks for the same again; a GET of the address where left out */
  readonly command?: string
  /** path and query that give the report by GET, whatever its form; none where it takes a body */
  readonly address?: string
}

export async function sendReport (request: FastifyRequest, reply: FastifyReply, report: Report, way: Way): Promise<FastifyReply> {
  const form: ReportForm = chosenFormat(request)
  const { chart } = request.query as { chart?: string }
  if (chart !== undefined && form !== 'svg') throw refusal('/chart', `goes with format svg, not with ${form}`)
  const body = await renderReport(report, form, { chart, asked: askedBy(request, way) }).catch((error: unknown) => {
    throw error instanceof ReportRefusal ? refusal(error.pointer, error.message) : error
  })
  if (form === 'html' || form === 'svg') reply.header('content-security-policy', policy)
  return reply.type(reportMediaTypes[form]).send(body)
}

export const originOf = (request: FastifyRequest): string => `${request.protocol}://${request.host}`

/** One word of a shell's line. */
export const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

const refusal = (pointer: string, detail: string): Problem =>
  new Problem('INVALID_ARGUMENT', `Query parameter ${pointer.slice(1)}: ${detail}.`, { places: [{ pointer, detail }] })

const formNames = { json: 'JSON', csv: 'CSV', md: 'Markdown', text: 'text' } as const

function askedBy (request: FastifyRequest, { command, address }: Way): Asked {
  if (address === undefined) return { command: command ?? '' }
  const at = (parameters: Record<string, string>): string => {
    const url = new URL(address, 'http://service')
    for (const name of ['format', 'chart']) url.searchParams.delete(name)
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    return url.pathname + url.search
  }
  return {
    command: command ?? `curl -s ${shellQuoted(originOf(request) + at({}))}`,
    forms: Object.entries(formNames).map(([format, name]) => ({ name, href: at({ format }) })),
    chartHref: (chart) => at({ format: 'svg', chart })
  }
}
