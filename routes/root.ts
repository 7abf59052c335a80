// /: where to begin. Links as JSON for programs, a page for people.

import { Type } from 'typebox'
import { answer } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { escapeHtml, sendPage } from './support/html.ts'
import { chosenFormat, formatQuery } from './support/negotiation.ts'

const links = {
  services: '/v1/services',
  imports: '/v1/imports',
  state: '/v1/state',
  nodeAddresses: '/v1/node-addresses',
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

// what a browser can open, in the order of interest
const pages: ReadonlyArray<readonly [keyof typeof links, string]> = [
  ['docs', 'the API, to read and to try'],
  ['nodes', 'the emulated nodes'],
  ['services', 'the services'],
  ['reports', 'what the services cost'],
  ['limits', 'limits'],
  ['openapi', 'the API document'],
  ['metrics', 'metrics for Prometheus']
]

export const root: Route = async (app, { about }) => {
  app.get('/', {
    schema: {
      operationId: 'getLanding',
      tags: ['service'],
      summary: 'Where to begin',
      querystring: Type.Object(formatQuery('json', 'html'), { additionalProperties: false }),
      response: { 200: answer('Links.', { 'application/json': Landing, 'text/html': Type.String({ description: 'A page.' }) }) }
    }
  }, async (request, reply) => {
    if (chosenFormat(request) === 'json') return reply.send({ name: about.name, description, version: about.version, links })
    return sendPage(reply, about.name, landingPage(about.name, about.version, `${request.protocol}://${request.host}`))
  })
}

function landingPage (name: string, version: string, origin: string): string {
  const items = pages.map(([link, what]) => `<li><a href="${links[link]}">${links[link]}</a>: ${what}</li>`).join('')
  const curl = `curl ${escapeHtml(origin)}/v1/lookups?flow=203.0.113.7:51022,172.20.0.10:443/tcp`
  return `<h1>${name}</h1><p>${description} Version ${escapeHtml(version)}.</p><ul>${items}</ul>` +
    `<p>Bring a manifest with <code>POST /v1/imports</code>, then ask where a flow goes:</p><pre>${curl}</pre>`
}
