// The tree's own rules, as a test: import direction between rooms, file and line lengths, no leftovers, no paths of
// somebody's machine, links in the docs that resolve.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'
import { paritySentence, quoteParity } from './kernel/support/parity.ts'
import type { Parity } from './kernel/support/parity.ts'

const root = join(import.meta.dirname, '..')

/** Rooms in the order of docs/architecture.md, each with the rooms it may import from (itself always). */
const mayImport: Record<string, readonly string[]> = {
  'lib/bpf/profile': [],
  'lib/bpf/isa': ['lib/bpf/profile'],
  'lib/bpf/btf': ['lib/bpf/profile'],
  'lib/bpf/object': ['lib/bpf/profile', 'lib/bpf/isa', 'lib/bpf/btf'],
  'lib/bpf/core': ['lib/bpf/profile', 'lib/bpf/isa', 'lib/bpf/rewrite:types', 'lib/bpf/verifier:types'],
  'lib/bpf/map': ['lib/bpf/profile', 'lib/bpf/btf', 'lib/bpf/core', 'lib/bpf/verifier:types'],
  'lib/bpf/verifier': ['lib/bpf/profile', 'lib/bpf/isa', 'lib/bpf/btf', 'lib/bpf/object:types'],
  'lib/bpf/rewrite': ['lib/bpf/profile', 'lib/bpf/isa', 'lib/bpf/object:types', 'lib/bpf/verifier'],
  'lib/bpf/engine': ['lib/bpf/profile', 'lib/bpf/isa', 'lib/bpf/core', 'lib/bpf/map', 'lib/bpf/rewrite:types', 'lib/bpf/verifier:types'],
  'lib/bpf/syscall': ['lib/bpf/*'],
  'lib/datapath': [],
  'lib/maglev': [],
  'lib/loadbalancer': ['lib/bpf/*', 'lib/datapath', 'lib/maglev'],
  'lib/packet': ['lib/maglev'],
  'lib/traffic': ['lib/maglev', 'lib/packet'],
  'lib/report': ['lib/*'],
  'lib/sim': ['lib/*'],
  routes: ['lib/*'],
  src: ['lib/*', 'routes']
}

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n').filter((file) => file !== '' && existsSync(join(root, file)))
const text = (file: string): string => readFileSync(join(root, file), 'utf8')
const sources = tracked.filter((file) => /\.(ts|mjs|c|h|sh)$/.test(file))
const isFixture = (file: string): boolean => file.startsWith('test/fixtures/')

function roomOf (file: string): string | undefined {
  return Object.keys(mayImport).filter((room) => file.startsWith(`${room}/`)).sort((a, b) => b.length - a.length)[0]
}

function allowed (from: string, to: string, typesOnly: boolean): boolean {
  if (from === to) return true
  return (mayImport[from] ?? []).some((entry) => {
    if (entry.endsWith(':types')) return typesOnly && entry === `${to}:types`
    if (entry.endsWith('/*')) return to.startsWith(entry.slice(0, -1))
    return entry === to
  })
}

t.test('a room imports only the rooms it may', async (t) => {
  const wrong: string[] = []
  for (const file of sources.filter((file) => file.endsWith('.ts') && !file.includes('/assembly/'))) {
    const from = roomOf(file)
    if (from === undefined) continue
    for (const [, typesOnly, specifier] of text(file).matchAll(/^(?:import|export)\s+(type\s)?[^'"]*?from '([^']+)'/gm)) {
      if (specifier === undefined || !specifier.startsWith('.')) continue
      const to = roomOf(normalize(join(dirname(file), specifier)))
      if (to !== undefined && !allowed(from, to, typesOnly !== undefined)) wrong.push(`${file} imports ${specifier}`)
    }
  }
  t.same(wrong, [])
})

t.test('lib takes files, clock, randomness, processes and HTTP only from its caller', async (t) => {
  const forbidden = /from '(node:(?!crypto|util)[a-z_/]+|fastify|undici|pino)'|\bDate\.now\(|\bMath\.random\(|\bprocess\.[a-z]|\bconsole\./
  const wrong = sources.filter((file) => file.startsWith('lib/') && file.endsWith('.ts') && !file.includes('/assembly/'))
    .filter((file) => forbidden.test(text(file)))
  t.same(wrong, [])
})

t.test('files are short enough to read', async (t) => {
  const long = sources.filter((file) => !isFixture(file)).map((file) => [file, text(file).split('\n').length] as const)
    .filter(([, lines]) => lines > 600)
  t.same(long, [])
})

t.test('lines are clean, and short where eslint does not look', async (t) => {
  const wrong: string[] = []
  for (const file of sources) {
    text(file).split('\n').forEach((line, index) => {
      if (line.length > 140 && !/\.(ts|mjs)$/.test(file)) wrong.push(`${file}:${index + 1} has ${line.length} characters`)
      if (/\s+$/.test(line)) wrong.push(`${file}:${index + 1} ends in white space`)
    })
  }
  t.same(wrong, [])
})

t.test('nothing is left over', async (t) => {
  const banned: ReadonlyArray<readonly [RegExp, string]> = [
    [new RegExp(`\\b(TO${'DO'}|FIX${'ME'}|XX${'X'}|HA${'CK'})\\b`), 'marker of unfinished work'],
    [/\bdebugger\b(?!')/, 'breakpoint'],
    [new RegExp(`\\.only${'\\('}`), 'focused test'],
    [new RegExp(`(^|[\\s'"(])/(${['work', 'root', 'home', 'Users'].join('|')})/`), 'path of a machine'],
    [new RegExp(`registry\\.${'npmjs'}|deb\\.${'debian'}`), 'registry host']
  ]
  const wrong: string[] = []
  for (const file of tracked.filter((file) => /\.(ts|mjs|js|c|h|sh|md|yaml|yml|json|txtar)$/.test(file) && file !== 'package-lock.json')) {
    const content = text(file)
    for (const [pattern, what] of banned) if (pattern.test(content)) wrong.push(`${file}: ${what}`)
  }
  t.same(wrong, [])
})

t.test('links between documents resolve', async (t) => {
  const wrong: string[] = []
  for (const file of tracked.filter((file) => file.endsWith('.md'))) {
    for (const [, target] of text(file).matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)) {
      if (target !== undefined && !existsSync(join(root, dirname(file), target))) wrong.push(`${file} -> ${target}`)
    }
  }
  t.same(wrong, [])
})

t.test('the README quotes the tally of kernel comparisons', async (t) => {
  const parity = JSON.parse(text('docs/kernel-parity.json')) as Parity
  t.equal(quoteParity(text('README.md'), parity), text('README.md'))
  t.match(text('README.md'), paritySentence(parity))
  const suites = tracked.filter((file) => /^test\/kernel\/[\w-]+\.test\.ts$/.test(file))
    .flatMap((file) => [...text(file).matchAll(/kernelSuite\('((?:[^'\\]|\\.)*)'/g)].map(([, name = '']) => name.replaceAll('\\', '')))
  t.same(suites.filter((name) => !parity.suites.some(({ suite }) => suite === name)), [], 'every suite is in the tally: npm run parity:write')
})

t.test('the lockfile names no registry and every licence is known', async (t) => {
  const lock = JSON.parse(text('package-lock.json')) as { packages: Record<string, { license?: string, resolved?: string }> }
  const known = /^\(?(MIT|ISC|BSD-[23]-Clause|0BSD|Apache-2\.0|BlueOak-1\.0\.0|CC0-1\.0|CC-BY-[34]\.0|Python-2\.0|Unlicense|MPL-2\.0|WTFPL|MIT-0)\b/
  // its manifest has no license member; the file beside it is the MIT licence
  const checkedByHand = ['node_modules/jsonc-simple-parser']
  const unknown = Object.entries(lock.packages)
    .filter(([path, entry]) => path !== '' && !checkedByHand.includes(path) && !known.test(entry.license ?? 'none'))
    .map(([path, entry]) => `${path}: ${entry.license ?? 'none'}`)
  t.same(unknown, [])
  t.same(Object.values(lock.packages).filter((entry) => entry.resolved !== undefined), [])
})
