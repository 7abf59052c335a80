// Scenarios in the form of Cilium's own: commands, then the files they name. Understood are the commands that change or dump load balancer
// state; what they print about Cilium's own tables is passed over.

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { applyCiliumConfig, defaultSettings } from '../../../lib/loadbalancer/index.ts'
import type { NodeSettings } from '../../../lib/loadbalancer/index.ts'

export interface Step {
  readonly line: string
  readonly expected: string
  readonly actual: string
}

/** What a scenario is played on: one node, fresh, with the settings the scenario's flags ask for. */
export interface ScenarioMachine {
  /** @param manifests YAML, several documents. @returns `done`, or why not */
  import (manifests: string, operation: 'apply' | 'delete'): string | Promise<string>
  setNodeAddresses (addresses: readonly string[]): string | Promise<string>
  setNodeLabels (labels: Readonly<Record<string, string>>): string | Promise<string>
  /** the node's maps in the form of the scenarios */
  dump (): string | Promise<string>
}

/** @param text commands before the first `-- name --` line, files after it. @returns every comparison the script makes */
export async function runScenario (
  text: string, start: (settings: NodeSettings) => ScenarioMachine | Promise<ScenarioMachine>
): Promise<Step[]> {
  const { script, files } = split(text)
  const bare: NodeSettings = { ...defaultSettings('node'), algorithm: 'random', nodeName: 'testnode', tableSizePolicy: { fixed: 1021 } }
  const { settings } = applyCiliumConfig(bare, flagsOf(script))
  const machine = await start(settings)
  const steps: Step[] = []
  let addresses: readonly string[] = []
  const file = (name: string): string => files.get(name) ?? ''
  const manifests = (names: readonly string[]): string => names.map(file).join('\n---\n')
  const addressesIn = (names: readonly string[]): string[] =>
    names.flatMap(name => parseAllDocuments(file(name)).map(document => (document.toJS() as { addr: string }).addr))
  const check = (line: string, expected: string, actual: string): void => { steps.push({ line, expected, actual }) }
  const setAddresses = async (line: string, now: readonly string[]): Promise<void> => {
    addresses = now
    check(line, 'done', await machine.setNodeAddresses(addresses))
  }
  const apply = async (line: string, names: readonly string[]): Promise<void> => check(line, 'done', await machine.import(manifests(names), 'apply'))
  const commands: Record<string, (line: string, args: string[]) => void | Promise<void>> = {
    'k8s/add': apply,
    'k8s/update': apply,
    'k8s/delete': async (line, names) => check(line, 'done', await machine.import(manifests(names), 'delete')),
    'db/insert': async (line, [table, ...names]) => {
      if (table === 'node-addresses') await setAddresses(line, [...addresses, ...addressesIn(names)])
    },
    'db/delete': async (line, [table, ...names]) => {
      if (table === 'node-addresses') await setAddresses(line, addresses.filter(address => !addressesIn(names).includes(address)))
    },
    'test/set-node-labels': async (line, labels) =>
      check(line, 'done', await machine.setNodeLabels(Object.fromEntries(labels.map(label => label.split('=', 2) as [string, string])))),
    cp: (_, [from = '', to = '']) => { files.set(to, file(from)) },
    replace: (_, [from = '', to = '', name = '']) => { files.set(name, file(name).replaceAll(from, to)) },
    'lb/maps-dump': async (_, [name = '']) => { files.set(name, await machine.dump()) },
    'lb/maps-empty': async line => check(line, '', await machine.dump()),
    cmp: (line, [expected = '', actual = '']) => {
      if (files.has(expected) && files.has(actual)) check(line, file(expected).trim(), file(actual).trim())
    }
  }
  for (const line of script) {
    const [command = '', ...args] = wordsOf(line)
    if (Object.hasOwn(commands, command)) await commands[command]?.(line, args)
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

export interface Scenario {
  readonly name: string
  readonly text: string
}

const own = new URL('../scenarios/', import.meta.url)
const beside = new URL('../../../../shared/fixtures/cilium-scenarios/', import.meta.url)

/** ours, and Cilium's own three where they lie beside the clone */
export function scenarios (): { readonly own: Scenario[], readonly cilium: Scenario[] | null } {
  const read = (folder: URL): Scenario[] => readdirSync(folder).sort().map(name => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))
  return { own: read(own), cilium: existsSync(beside) ? read(beside) : null }
}
