// The few pages for people: no scripts, nothing from elsewhere.

import type { FastifyReply } from 'fastify'
import { escapeMarkup } from '../../lib/report/forms/markup.ts'

/** Content-Security-Policy of what is served to be looked at */
export const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export const sendPage = (reply: FastifyReply, title: string, body: string): FastifyReply =>
  reply.header('content-security-policy', policy).type('text/html; charset=utf-8').send(htmlPage(title, body))

const style = 'body{font:1rem/1.6 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}' +
  'pre{overflow-x:auto;padding:.8rem 1rem;border:1px solid #8885;border-radius:.3rem}code{font-family:ui-monospace,monospace}'

/** @param body markup, escaped where it has to be */
const htmlPage = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeMarkup(title)}</title><style>${style}</style></head><body>${body}</body></html>\n`
