// Command lines as documents print them, as requests to put into an app: the few options of curl that they use.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..', '..')

export interface CurlRequest {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly payload: string | Buffer | undefined
  readonly lines: number
}

/** @param command `curl ...`, and `| head -n 22` where only the first lines are shown */
export function parseCurl (command: string): CurlRequest {
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
  return { method, url: url.replace(/^http:\/\/[^/]+/, ''), headers: { accept: '*/*', ...headers }, payload, lines: lines === undefined ? Infinity : Number(lines) }
}
