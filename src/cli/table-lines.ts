// Tables asked for in lines of JSON, an answer for each line: for tools that hold many tables against those of another implementation.

import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Errors } from 'typebox/value'
import { defaultWeight } from '../../lib/loadbalancer/index.ts'
import { buildTable, canonicalAddress, isPrime, parseSeed, protocols, releases, tableDigest } from '../../lib/maglev/index.ts'
import type { Protocol, Release, TableBackend } from '../../lib/maglev/index.ts'
import { largestM } from './table-limits.ts'

const closed = { additionalProperties: false } as const

const questionSchema = Type.Object({
  name: Type.String({ maxLength: 1024 }),
  release: Type.Unsafe<Release>({ type: 'string', enum: [...releases] }),
  seed: Type.String({ maxLength: 1024 }),
  m: Type.Integer({ minimum: 2, maximum: largestM }),
  backends: Type.Array(Type.Object({
    id: Type.Integer({ minimum: 0, maximum: 0xffffffff }),
    ip: Type.String({ maxLength: 64 }),
    port: Type.Integer({ minimum: 0, maximum: 65_535 }),
    proto: Type.Optional(Type.Unsafe<Protocol>({ type: 'string', enum: [...protocols] })),
    weight: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535 }))
  }, closed), { minItems: 1, maxItems: 65_535 })
}, closed)

type Question = Static<typeof questionSchema>

export type TableAnswer = { readonly name: string, readonly sha256U32LE: string } | { readonly name: string | null, readonly error: string }

/**
 * @param line `{"name","release","seed","m","backends":[{"id","ip","port","proto","weight"}]}`; all of them enter the table, as they do
 *   once Cilium has chosen those that may: one of weight 0, which an agent leaves out, is a backend like any other here
 */
export function answerTableLine (line: string): TableAnswer {
  let question: unknown
  try {
    question = JSON.parse(line)
  } catch {
    return { name: null, error: 'this line is not JSON' }
  }
  const [first] = Errors(questionSchema, question)
  if (first !== undefined) return { name: nameOf(question), error: `${first.instancePath === '' ? 'the line' : first.instancePath} ${first.message}` }
  return tableOf(question as Question)
}

function tableOf ({ name, release, seed, m, backends }: Question): TableAnswer {
  const parsed = parseSeed(seed)
  if (!parsed.ok) return { name, error: `/seed: ${parsed.reason}` }
  if (!isPrime(m)) return { name, error: `/m: ${m} is not prime` }
  const listed: TableBackend[] = []
  for (const [index, { id, ip, port, proto = 'TCP', weight = defaultWeight }] of backends.entries()) {
    const address = canonicalAddress(ip)
    if (address === null) return { name, error: `/backends/${index}/ip: "${ip}" is no IP address` }
    listed.push({ id, address, port, protocol: proto, weight })
  }
  if (new Set(listed.map(({ id }) => id)).size < listed.length) return { name, error: '/backends: two backends have the same id' }
  const table = buildTable(m, listed, parsed.seed, release)
  return { name, sha256U32LE: tableDigest(table?.ids ?? new Uint32Array()) }
}

function nameOf (question: unknown): string | null {
  const { name } = (typeof question === 'object' && question !== null ? question : {}) as { name?: unknown }
  return typeof name === 'string' ? name : null
}
