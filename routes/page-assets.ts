// /page.js, /page.css: what the page at / loads, from this process and from nowhere else.

import { answer, text } from './support/answers.ts'
import type { Route } from './support/context.ts'

const assets = [
  { url: '/page.js', operationId: 'getPageScript', summary: 'The script of the page', type: 'text/javascript', of: 'script' },
  { url: '/page.css', operationId: 'getPageStyle', summary: 'The style of the page', type: 'text/css', of: 'style' }
] as const

export const pageAssets: Route = async (app, { page }) => {
  for (const { url, operationId, summary, type, of } of assets) {
    app.get(url, {
      config: { anyFormat: true },
      schema: { operationId, tags: ['service'], summary, response: { 200: answer(`${summary} at /.`, { [type]: text(summary) }) } }
    }, async (_request, reply) => reply.type(`${type}; charset=utf-8`).header('x-content-type-options', 'nosniff').send(page[of]))
  }
}
