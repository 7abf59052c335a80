// Every curl line of the README that shows its answer, in order, against a service that has just started: the answers are
// what the README prints. README_WRITE=1 writes the answers into it.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createApi } from './support/api.ts'

const root = join(import.meta.dirname, '..', '..')
const file = join(root, 'README.md')
const write = process.env['README_WRITE'] === '1'

interface Request {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly payload: string | Buffer | undefined
  readonly lines: number
}

function parseCurl (command: string): Request {
  const [curl = '', , lines] = /^(.*?)(\| head -n (\d+))?$/.exec(command)?.slice(1) ?? []
  const words = [...curl.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
  const headers: Record<string, string> = {}
  let method = 'GET'
  let url = ''
  let payload: string | Buffer | undefined
  for (let at = 1; at < words.length; at++) {
    const word = words[at] ?? ''
    const value = words[at + 1] ?? ''
    if (word === '-s') continue
    else if (word === '-X') method = value
    else if (word === '-H') headers[value.slice(0, value.indexOf(':'))] = value.slice(value.indexOf(':') + 1).trim()
    else if (word === '-d') payload = value
    else if (word === '--data-binary') payload = readFileSync(join(root, value.replace(/^@/, '')))
    else url = word
    if (word.startsWith('-')) at++
  }
  return { method, url: url.replace('http://127.0.0.1:8080', ''), headers: { accept: '*/*', ...headers }, payload, lines: lines === undefined ? Infinity : Number(lines) }
}

t.test('the README\'s requests and answers', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  const readme = readFileSync(file, 'utf8')
  let checked = 0
  let written = ''
  for (const part of readme.split(/(^```console\n\$[\s\S]*?^```$)/m)) {
    if (!part.startsWith('```console\n$')) {
      written += part
      continue
    }
    let block = '```console\n'
    for (const [, command = ''] of part.matchAll(/^\$ (curl .*)$/gm)) {
      const { method, url, headers, payload, lines } = parseCurl(command)
      const answer = await api.app.inject({ method: method as 'GET', url, headers, ...(payload === undefined ? {} : { payload }) })
      t.ok(answer.statusCode < 300, `${command}: ${answer.statusCode}`)
      block += `$ ${command}\n${answer.body.split('\n').slice(0, lines).join('\n').trimEnd()}\n`
      checked++
    }
    written += `${block}\`\`\``
    if (!write) t.equal(part, `${block}\`\`\``, 'the README prints the answers')
  }
  if (write) writeFileSync(file, written)
  t.ok(checked >= 8, `${checked} requests`)
})
