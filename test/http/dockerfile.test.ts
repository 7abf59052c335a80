// The Dockerfile, where there is no engine to build it: its stages and promises, and that what it copies is made or kept.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '..', '..')
const read = (name: string): string => readFileSync(join(root, name), 'utf8')
const lines = read('Dockerfile').replaceAll('\\\n', ' ').split('\n').filter((line) => line !== '' && !line.startsWith('#'))
const valuesOf = (instruction: string): string[] => lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1).trim())
const ignored = new Set(read('.dockerignore').split('\n').filter((line) => line !== ''))

t.test('stages', async (t) => {
  const images = valuesOf('FROM')
  t.match(images, [/^node:24-\S+ AS build$/, /^gcr\.io\/distroless\/nodejs24-\S+:nonroot$/])
  for (const image of images) t.notMatch(image, /:latest|^[^:]+$/, `${image} has a version`)
  t.equal(valuesOf('USER').at(-1), 'nonroot')
  t.same(valuesOf('STOPSIGNAL'), ['SIGTERM'])
})

t.test('commands', async (t) => {
  for (const command of [...valuesOf('CMD'), valuesOf('HEALTHCHECK')[0]?.replace(/^.*? CMD /, '') ?? '']) {
    t.ok(Array.isArray(JSON.parse(command)), 'in exec form: the image has no shell')
  }
  const [script] = JSON.parse(valuesOf('CMD')[0] ?? '[]') as string[]
  const { bin, scripts } = JSON.parse(read('package.json')) as { bin: Record<string, string>, scripts: Record<string, string> }
  t.equal(script, bin['maglev-sim'])
  for (const [, name] of read('Dockerfile').matchAll(/npm run (\S+)/g)) t.ok(scripts[name ?? ''] !== undefined, `script ${name} exists`)
  t.ok(lines.findIndex((line) => line.startsWith('COPY package.json')) < lines.findIndex((line) => line === 'COPY . .'), 'dependencies have a layer of their own')
})

t.test('what it copies is there or is built', async (t) => {
  const built = new Set(['build', 'dist', 'node_modules'])
  const sources = valuesOf('COPY').flatMap((line) => line.split(' ').filter((word) => !word.startsWith('--')).slice(0, -1)).map((path) => path.replace('/app/', ''))
  for (const path of sources) {
    t.ok(built.has(path) || existsSync(join(root, path)), path)
    t.ok(built.has(path) || !ignored.has(path.split('/')[0] ?? ''), `${path} is not ignored`)
  }
  for (const path of [...built, '.git']) t.ok(ignored.has(path), `${path} stays outside`)
})

t.test('no secrets and no addresses of a workplace', async (t) => {
  t.notMatch(read('Dockerfile'), /(password|token|secret|_auth|registry=)/i)
})
