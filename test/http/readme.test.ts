// Every curl line of the README that shows its answer, in order, against a service that has just started: the answers are
// what the README prints. Its picture is what the command beside it gives. README_WRITE=1 writes the answers and the picture.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { renderReport } from '../../lib/report/index.ts'
import { exampleMix } from '../../routes/support/page/answers.ts'
import { testSimulator } from '../support/simulator.ts'
import { createApi } from './support/api.ts'
import { parseCurl } from './support/curl.ts'

const root = join(import.meta.dirname, '..', '..')
const file = join(root, 'README.md')
const write = process.env['README_WRITE'] === '1'

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

t.test('the README\'s picture', async (t) => {
  const picture = join(root, 'docs', 'bytes-by-size.svg')
  const report = testSimulator().report({ kind: 'memory', mix: exampleMix })
  const drawn = await renderReport(report, 'svg')
  if (write) writeFileSync(picture, drawn)
  t.equal(readFileSync(picture, 'utf8'), drawn)
})
