// `maglev table --jsonl`: every committed table of every release line, and lines that cannot be answered.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { answerTableLine } from '../../src/cli/table-lines.ts'
import { committedVectors, generate, listed } from '../support/maglev-vectors.ts'

const questionOf = ({ name, release, seed, m, backends, generated }: ReturnType<typeof committedVectors>['tables'][number]): object => ({
  name,
  release,
  seed,
  m,
  backends: (backends?.map(listed) ?? generate(generated))
    .map(({ id, address, port, protocol, weight }) => ({ id, ip: address, port, proto: protocol, weight }))
})

const pair = [{ id: 1, ip: '10.0.0.1', port: 80 }, { id: 2, ip: '10.0.0.2', port: 80 }]
const small = { name: 'a', release: '1.17+', seed: 'JLfvgnHc2kaSUFaI', m: 251, backends: pair }

t.test('every committed table, through the command', async (t) => {
  const { tables } = committedVectors()
  const root = join(import.meta.dirname, '..', '..')
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [`--import=${import.meta.resolve('tsx')}`, join(root, 'src/cli/main.ts'), 'maglev', 'table', '--jsonl'], { env: { PATH, HOME } })
  const [out, errors, ended] = [text(child.stdout), text(child.stderr), once(child, 'close')]
  child.stdin.end(tables.map((table) => `${JSON.stringify(questionOf(table))}\n`).join(''))
  const [code] = await ended as [number]
  t.same([code, await errors], [0, ''])
  const answers = (await out).trimEnd().split('\n').map((line) => JSON.parse(line) as unknown)
  t.same(answers, tables.map(({ name, sha256U32LE }) => ({ name, sha256U32LE })))
  t.same(new Set(tables.map(({ release }) => release)).size, 3, 'of all release lines')
})

t.test('what cannot be answered says why', async (t) => {
  const refused = (change: object, error: RegExp): void => {
    t.match(answerTableLine(JSON.stringify({ ...small, ...change })), { name: 'a', error }, JSON.stringify(change))
  }
  t.match(answerTableLine('{'), { name: null, error: /not JSON/ })
  t.match(answerTableLine('[]'), { name: null, error: /^the line / })
  refused({ m: 250 }, /^\/m: 250 is not prime/)
  refused({ m: 1 }, /^\/m /)
  refused({ seed: 'AAAA' }, /^\/seed: .*12/)
  refused({ release: '1.8' }, /^\/release /)
  refused({ backends: [] }, /^\/backends /)
  refused({ backends: [{ id: 1, ip: '10.0.0.300', port: 80 }] }, /^\/backends\/0\/ip: /)
  refused({ backends: [{ id: 1, ip: '10.0.0.1', port: 80 }, { id: 1, ip: '10.0.0.2', port: 80 }] }, /same id/)
  refused({ more: 1 }, /./)
  t.same(answerTableLine(JSON.stringify(small)), answerTableLine(JSON.stringify({ ...small, backends: pair.toReversed() })), 'order does not matter')
})
