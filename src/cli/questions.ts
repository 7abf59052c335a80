// What `--set` says, and whether a report can be asked so: by the schema that the API has for the same.

import { Errors } from 'typebox/value'
import type { ReportKind } from '../../lib/report/index.ts'
import { optionsOf, reportBody } from '../../routes/support/report-schemas.ts'
import { BadInput } from './failures.ts'

/** @param set `trials=20,seed=7`: numbers, true, false and JSON as such, anything else as text */
export function checkedQuestion (kind: ReportKind, asked: Readonly<Record<string, unknown>>, set: string): Record<string, unknown> {
  const question = { ...asked, ...Object.fromEntries(assignments(set).map((text) => assignment(kind, text))) }
  const errors = Errors(reportBody(kind), question).slice(0, 8)
  if (errors.length === 0) return question
  throw new BadInput(`report ${kind} cannot be asked so:${errors.map(({ instancePath, message }) => `\n  ${instancePath}: ${message}`).join('')}`)
}

// a comma inside JSON has no NAME= behind it
const assignments = (set: string): string[] => set === '' ? [] : set.split(/,(?=\s*[A-Za-z]\w*=)/)

function assignment (kind: ReportKind, text: string): [string, unknown] {
  const [, name = '', value = ''] = /^\s*([A-Za-z]\w*)=(.*)$/s.exec(text) ?? []
  if (name === '') throw new BadInput(`--set takes NAME=VALUE, not "${text}"`)
  const known = optionsOf(kind)
  if (!known.includes(name)) throw new BadInput(`report ${kind} has no option ${name}; it has ${known.join(', ')}`)
  return [name, valueOf(value)]
}

function valueOf (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
