// Worker thread: parses one large import and hands it over piece by piece, each when the main thread asks for it.

import { parentPort, workerData } from 'node:worker_threads'
import { dropBallast } from '../documents/ballast.ts'
import { parseJson, parseYaml, type ParseFault } from '../documents/parse.ts'
import { inPieces, type Piece } from '../documents/pieces.ts'

export interface ParseJob {
  readonly body: Uint8Array
  readonly format: 'json' | 'yaml'
}

export type ParseMessage = { readonly fault: ParseFault } | { readonly piece: Piece } | { readonly done: true }

const { body, format } = workerData as ParseJob
const port = parentPort
if (port === null) throw new Error('runs as a worker thread only')
const answer = (message: ParseMessage): void => port.postMessage(message)

const parsed = format === 'json' ? parseJson(body) : parseYaml(body)
if (!parsed.ok) {
  answer({ fault: parsed.fault })
} else {
  const documents = asDocuments(parsed.value)
  dropBallast(documents)
  const pieces = inPieces(documents)
  const next = (): void => {
    const { value, done } = pieces.next()
    answer(done === true ? { done: true } : { piece: value })
    if (done === true) port.close()
  }
  port.on('message', next)
  // the first piece needs no asking
  next()
}

function asDocuments (value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value]
}
