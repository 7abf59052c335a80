// Scenarios in the form of Cilium's own: commands, then the files they name. Understood are the commands that change or dump load balancer
// state; what they print about Cilium's own tables is passed over.

import { parseAllDocuments } from 'yaml'
import { applyCiliumConfig, defaultSettings } from '../../../lib/loadbalancer/index.ts'
import { createWorld } from './world.ts'

export interface Step {
  readonly line: string
  readonly expected: string
  readonly actual: string
}

/** @param text commands before the first `-- name --` line, files after it. @returns every comparison the script makes */
export function runScenario (text: string): Step[] {
  const { script, files } = split(text)
  const { settings } = applyCiliumConfig({ ...defaultSettings('node'), tableSizePolicy: { fixed: 1021 } }, flagsOf(script))
  const world = createWorld(settings)
  const steps: Step[] = []
  const file = (name: string): string => files.get(name) ?? ''
  const documents = (names: readonly string[]): unknown[] =>
    names.flatMap(name => parseAllDocuments(file(name)).map(document => document.toJS() as unknown))
  const check = (line: string, expected: string, actual: string): void => { steps.push({ line, expected, actual }) }
  const mustSucceed = (line: string, result: { ok: true } | { ok: false, error: { message: string } }): void =>
    check(line, 'done', result.ok ? 'done' : result.error.message)
  const commands: Record<string, (line: string, args: string[]) => void> = {
    'k8s/add': (line, names) => mustSucceed(line, world.import(documents(names))),
    'k8s/update': (line, names) => mustSucceed(line, world.import(documents(names))),
    'k8s/delete': (line, names) => mustSucceed(line, world.import(documents(names), 'delete')),
    'db/insert': (line, [table, ...names]) => {
      if (table !== 'node-addresses') return
      const added = (documents(names) as { addr: string }[]).map(({ addr }) => addr)
      mustSucceed(line, world.setNodeAddresses([...world.cluster.nodeAddresses, ...added]))
    },
    'db/delete': (line, [table, ...names]) => {
      if (table !== 'node-addresses') return
      const gone = (documents(names) as { addr: string }[]).map(({ addr }) => addr)
      mustSucceed(line, world.setNodeAddresses(world.cluster.nodeAddresses.filter(address => !gone.includes(address))))
    },
    cp: (_, [from = '', to = '']) => { files.set(to, file(from)) },
    replace: (_, [from = '', to = '', name = '']) => { files.set(name, file(name).replaceAll(from, to)) },
    'lb/maps-dump': (_, [name = '']) => { files.set(name, world.text()) },
    'lb/maps-empty': line => check(line, '', world.text()),
    cmp: (line, [expected = '', actual = '']) => {
      if (files.has(expected) && files.has(actual)) check(line, file(expected).trim(), file(actual).trim())
    }
  }
  for (const line of script) {
    const [command = '', ...args] = wordsOf(line)
    if (Object.hasOwn(commands, command)) commands[command]?.(line, args)
  }
  return steps
}

function split (text: string): { script: string[], files: Map<string, string> } {
  const [head = '', ...rest] = text.split(/^-- (\S+) --\n/m)
  const files = new Map<string, string>()
  for (let at = 0; at + 1 < rest.length; at += 2) files.set(rest[at] ?? '', rest[at + 1] ?? '')
  return { script: head.split('\n'), files }
}

/** a command line: quotes hold words together, `*` (retry until it holds) and conditions in brackets are dropped */
function wordsOf (line: string): string[] {
  if (line.startsWith('#')) return []
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
  return words.filter((word, index) => !(index < 2 && (word === '*' || /^\[.*\]$/.test(word))))
}

function flagsOf (script: readonly string[]): Map<string, string> {
  const shebang = script.find(line => line.startsWith('#!')) ?? ''
  return new Map([...shebang.matchAll(/--([\w-]+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]))
}
