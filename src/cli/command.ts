// A command: citty reads its words; here they are held to what the command declares, because a misspelt option that
// is silently ignored runs something else than was meant. The help text is made from the same declaration.

import { defineCommand, runCommand } from 'citty'
import type { ArgDef, ArgsDef, ParsedArgs } from 'citty'
import { BadInput } from './failures.ts'

export interface CommandSpec<T extends ArgsDef> {
  /** as typed after `maglev-sim` */
  readonly name: string
  readonly description: string
  /** options only; words are `rest` */
  readonly args: T
  /** how the usage line calls the words behind the options; without it there are none */
  readonly rest?: string
  /** options that may be given more than once, with what stands between them in the one text that `run` gets */
  readonly repeated?: Readonly<Record<string, string>>
  /** lines below the options: examples, limits */
  readonly notes?: readonly string[]
  readonly run: (args: ParsedArgs<T>, rest: readonly string[]) => Promise<void> | void
}

export interface Command {
  readonly name: string
  readonly description: string
  readonly help: (words: readonly string[]) => string
  readonly execute: (words: readonly string[]) => Promise<void>
}

export function command<const T extends ArgsDef> (spec: CommandSpec<T>): Command {
  const citty = defineCommand({
    args: spec.args,
    run: async ({ args }) => {
      refuseUnknown(spec.name, spec.args, args)
      if (spec.rest === undefined && args._.length > 0) throw new BadInput(`"${args._[0]}" is one word too many for "maglev-sim ${spec.name}"`)
      await spec.run(args, args._)
    }
  })
  return {
    name: spec.name,
    description: spec.description,
    help: () => usage(spec.name, spec.description, spec.rest, spec.args, spec.notes ?? []),
    execute: async (words) => { await runCommand(citty, { rawArgs: joined(words, spec.args, spec.repeated ?? {}) }) }
  }
}

/** A command that is only a name for several others. */
export function commandGroup (name: string, description: string, members: Readonly<Record<string, Command>>): Command {
  const find = (words: readonly string[]): Command | undefined => Object.hasOwn(members, words[0] ?? '') ? members[words[0] ?? ''] : undefined
  return {
    name,
    description,
    help: (words) => find(words)?.help(words.slice(1)) ??
      [description, '', ...Object.values(members).map((member) => `  maglev-sim ${member.name}  ${member.description}`)].join('\n'),
    execute: async (words) => {
      const member = find(words)
      if (member === undefined) throw new BadInput(`"maglev-sim ${name}" needs one of: ${Object.keys(members).join(', ')}`)
      await member.execute(words.slice(1))
    }
  }
}

/** `--set a=1 --set b=2` as `--set=a=1,b=2`: of several the parser keeps only the last. Short names are taken for the long ones. */
function joined (words: readonly string[], specified: ArgsDef, repeated: Readonly<Record<string, string>>): string[] {
  const longNames = new Map(Object.keys(repeated).flatMap((name) => [name, ...aliases(specified[name] ?? {})].map((one) => [one, name])))
  const kept: string[] = []
  const values = new Map<string, string[]>()
  for (let index = 0; index < words.length; index++) {
    if (words[index] === '--') {
      kept.push(...words.slice(index))
      break
    }
    const [, long, short = '', equals = '', value = ''] = /^(?:--([a-z-]+)(?==|$)|-([a-z]))(=?)(.*)$/s.exec(words[index] ?? '') ?? []
    const name = longNames.get(long ?? short)
    if (name === undefined) kept.push(words[index] ?? '')
    else values.set(name, [...values.get(name) ?? [], equals + value === '' ? words[++index] ?? '' : value])
  }
  return [...[...values].map(([name, texts]) => `--${name}=${texts.includes('') ? '' : texts.join(repeated[name])}`), ...kept]
}

function refuseUnknown (command: string, specified: ArgsDef, args: Readonly<Record<string, unknown>>): void {
  const known = new Set(Object.entries(specified).flatMap(([name, arg]) => [name, camelCase(name), ...aliases(arg)]))
  for (const [name, value] of Object.entries(args)) {
    if (name === '_') continue
    if (!known.has(name)) throw new BadInput(`there is no option --${name}; "maglev-sim ${command} --help" lists them`)
    if (specified[name]?.type === 'string' && String(value) === '') throw new BadInput(`option --${name} needs a value`)
  }
}

function usage (name: string, description: string, rest: string | undefined, args: ArgsDef, notes: readonly string[]): string {
  const options = Object.entries(args).map(([option, arg]) => [optionText(option, arg), [arg.description ?? '', defaultText(arg)].join('')] as const)
  const width = Math.max(0, ...options.map(([left]) => left.length))
  const optionLines = options.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
  return [
    description, '',
    `Usage: maglev-sim ${name}${options.length > 0 ? ' [OPTIONS]' : ''}${rest === undefined ? '' : ` ${rest}`}`,
    ...(optionLines.length > 0 ? ['', ...optionLines] : []),
    ...(notes.length > 0 ? ['', ...notes] : [])
  ].join('\n')
}

function optionText (name: string, arg: ArgDef): string {
  if (arg.type === 'boolean') return arg.default === true ? `--no-${name}` : `--${name}`
  const names = [...aliases(arg).map((alias) => `-${alias}`), `--${name}`].join(', ')
  return `${names} ${arg.type === 'enum' ? (arg.options ?? []).join('|') : arg.valueHint ?? name.toUpperCase()}`
}

const defaultText = (arg: ArgDef): string => arg.default === undefined || arg.type === 'boolean' ? '' : ` (default ${arg.default})`

const aliases = (arg: ArgDef): string[] => 'alias' in arg && arg.alias !== undefined ? [arg.alias].flat() : []

const camelCase = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** @returns the whole number in an option's text */
export function wholeNumber (name: string, text: string, minimum: number, maximum: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN
  if (!(value >= minimum && value <= maximum)) {
    throw new BadInput(`--${name} takes a whole number from ${minimum} to ${maximum}, not "${text}"`)
  }
  return value
}

/** @returns milliseconds of `10s`, `1.5m`, `500ms`; a bare number counts seconds */
export function durationMs (name: string, text: string, minimumMs: number, maximumMs: number): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)?$/.exec(text)
  const unitMs = match?.[2] === 'ms' ? 1 : match?.[2] === 'm' ? 60_000 : 1000
  const value = match === null ? NaN : Math.round(Number(match[1]) * unitMs)
  if (!(value >= minimumMs && value <= maximumMs)) {
    throw new BadInput(`--${name} takes a time such as 10s, from ${minimumMs / 1000}s to ${maximumMs / 1000}s, not "${text}"`)
  }
  return value
}

/** @returns the words of a comma-separated option, or undefined when it was not given */
export function wordList (text: string | undefined): string[] | undefined {
  return text?.split(',').map((word) => word.trim()).filter((word) => word !== '')
}
