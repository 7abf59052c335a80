// From words to a command and an exit code. Data goes to stdout; progress, notes and errors go to stderr.

import { stripVTControlCharacters } from 'node:util'
import { SimError, simErrorCatalogue } from '../../lib/sim/errors.ts'
import type { Command } from './command.ts'
import { BadInput, Failure, exitCodes } from './failures.ts'
import { packageVersion } from './paths.ts'

type Load = () => Promise<{ readonly default: Command }>

// One line each here, so that the overview needs no command's module.
const commands: Readonly<Record<string, { readonly description: string, readonly load: Load }>> = {
  serve: { description: 'Start the HTTP service', load: () => import('./commands/serve.ts') },
  demo: { description: 'A 40-service cluster, traffic, and what it costs; needs no server', load: () => import('./commands/demo.ts') },
  import: { description: 'Import manifests, dumps of cilium-dbg or a sysdump into a running service', load: () => import('./commands/import.ts') },
  lookup: { description: 'Ask a running service where flows go', load: () => import('./commands/lookup.ts') },
  run: { description: 'Run synthetic traffic on a running service', load: () => import('./commands/run.ts') },
  compare: { description: 'What moves between two nodes: upgrades, table sizes, backends; needs no server', load: () => import('./commands/compare.ts') },
  check: { description: 'Gate for CI over manifests and the configuration of Cilium; needs no server', load: () => import('./commands/check.ts') },
  load: { description: 'Load test a running service over HTTP', load: () => import('./commands/load.ts') },
  report: { description: 'Memory and lookup cost of a mix of services; needs no server', load: () => import('./commands/report.ts') },
  benchmark: { description: 'Times of this machine, and of its kernel where bpf(2) is there; needs no server', load: () => import('./commands/benchmark.ts') },
  maglev: { description: 'Maglev tables of any backends; needs no server', load: () => import('./commands/maglev.ts') }
}

/** @returns the exit code; a server that was started keeps the process alive after that */
export async function runCli (words: readonly string[]): Promise<number> {
  try {
    await dispatch(words)
    return exitCodes.ok
  } catch (error) {
    const { code, text } = describe(error)
    process.stderr.write(`maglev-sim: ${text}\n`)
    return code
  }
}

async function dispatch (words: readonly string[]): Promise<void> {
  const [name, ...rest] = words
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return print(overview())
  if (name === '--version' || name === '-v') return print(packageVersion())
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (entry === undefined) throw new BadInput(`there is no command "${name}"; "maglev-sim --help" lists them`)
  const { default: command } = await entry.load()
  if (rest.includes('--help') || rest.includes('-h')) return print(command.help(rest))
  await command.execute(rest)
}

function overview (): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length))
  return [
    'maglev-sim: an emulated Linux node on which Cilium\'s Maglev load balancer runs as a real BPF program', '',
    ...Object.entries(commands).map(([name, entry]) => `  maglev-sim ${name.padEnd(width)}  ${entry.description}`), '',
    'Start with "maglev-sim demo". "maglev-sim COMMAND --help" tells the options.'
  ].join('\n')
}

function print (text: string): void {
  process.stdout.write(`${text}\n`)
}

function describe (error: unknown): { code: number, text: string } {
  if (error instanceof SimError) {
    // a single place whose sentence is the message is named, not said twice
    const places = error.places.map(({ pointer, detail }) => error.message.includes(detail) ? ` (${pointer})` : `\n  ${pointer}: ${detail}`)
    return { code: exitCodes[simErrorCatalogue[error.code].kind === 'invalid' ? 'badInput' : 'failure'], text: error.message + places.join('') }
  }
  if (error instanceof BadInput) return { code: exitCodes.badInput, text: error.message }
  if (error instanceof Failure) return { code: exitCodes.failure, text: error.message }
  if (!(error instanceof Error)) return { code: exitCodes.failure, text: String(error) }
  // citty's own complaints, such as a choice that is none, are about the caller's words too
  if (error.name === 'CLIError') return { code: exitCodes.badInput, text: stripVTControlCharacters(error.message) }
  return { code: exitCodes.failure, text: error.stack ?? error.message }
}
