// Reads the documents of an import: small ones in place, large ones in a worker thread, so that no import, however large,
// keeps other requests waiting. One thread per large import: it starts in some 50 ms, its memory is bounded and gone when it
// ends, and a body that makes a parser run wild takes down its thread only.

import type { Worker } from 'node:worker_threads'
import type { DocumentReader, ReadDocuments } from '../../routes/support/context.ts'
import { limits } from '../../routes/support/limits.ts'
import { Problem } from '../../routes/support/problems.ts'
import { decoded, firstCharacter, isArchive, readArchive } from './archive.ts'
import { parseJson, parseYaml, type ParseFault } from './parse.ts'
import { Assembly } from './pieces.ts'
import { ArchiveFault } from './tar.ts'
import type { ParseJob, ParseMessage } from '../workers/documents-thread.ts'
import { startThread } from '../workers/start-thread.ts'

const workerMemoryMiB = 1024
const workerTimeMs = 120_000
const workers = 2

export function createDocumentReader (): DocumentReader & { close (): Promise<void> } {
  const running = new Set<Worker>()
  const waiting: Array<() => void> = []
  let free = workers

  async function takeTurn (): Promise<void> {
    if (free > 0) {
      free--
      return
    }
    await new Promise<void>((resolve) => { waiting.push(resolve) })
  }

  function passTurn (): void {
    const next = waiting.shift()
    if (next === undefined) free++
    else next()
  }

  async function readDump (body: Uint8Array): Promise<ReadDocuments> {
    if (isArchive(body)) return await readArchive(body, readDocuments)
    const first = firstCharacter(body)
    if (first === '{' || first === '[') return { documents: await readDocuments(body, 'json') }
    try {
      return { documents: [{ file: 'the text', text: decoded(body, 'the body') }] }
    } catch (error) {
      if (!(error instanceof ArchiveFault)) throw error
      throw new Problem('INVALID_DOCUMENT', `${error.message}, and neither a zip nor a tar archive.`, { places: [{ pointer: '', detail: error.message }] })
    }
  }

  async function readDocuments (body: Uint8Array, format: 'json' | 'yaml'): Promise<unknown[]> {
    const inline = format === 'json' ? limits.inlineJsonBytes : limits.inlineYamlBytes
    if (body.length <= inline) {
      const parsed = format === 'json' ? parseJson(body) : parseYaml(body)
      return parsed.ok ? documentsOf(parsed.value) : refuse(parsed.fault)
    }
    await takeTurn()
    const worker = startWorker(body, format)
    running.add(worker)
    try {
      return documentsOf(await receive(worker))
    } finally {
      await worker.terminate()
      running.delete(worker)
      passTurn()
    }
  }

  return {
    read: async (body, format) => format === 'dump' ? await readDump(body) : { documents: await readDocuments(body, format) },
    async close () {
      await Promise.all([...running].map((worker) => worker.terminate()))
    }
  }
}

function documentsOf (value: unknown): unknown[] {
  const documents = Array.isArray(value) ? value : [value]
  if (documents.length > limits.importDocuments) {
    return refuse({ code: 'LIMIT_EXCEEDED', detail: `The body has more than ${limits.importDocuments} documents.`, pointer: '', line: null })
  }
  return documents
}

function refuse (fault: ParseFault): never {
  throw problemOf(fault)
}

function startWorker (body: Uint8Array, format: 'json' | 'yaml'): Worker {
  // a buffer that owns its memory moves to the thread; a slice of a pool has to be copied
  const whole = body.byteOffset === 0 && body.byteLength === body.buffer.byteLength && body.buffer instanceof ArrayBuffer
  const bytes = whole ? new Uint8Array(body.buffer as ArrayBuffer) : new Uint8Array(body)
  const workerData: ParseJob = { body: bytes, format }
  return startThread('documents-thread', {
    workerData,
    transferList: [bytes.buffer],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: workerMemoryMiB }
  })
}

function receive (worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const assembly = new Assembly()
    const tooLong = setTimeout(() => {
      reject(new Problem('BODY_TOO_LARGE', `Reading the documents took more than ${workerTimeMs / 1000} s. Send them in several imports.`))
    }, workerTimeMs)
    const settle = (act: () => void): void => {
      clearTimeout(tooLong)
      act()
    }
    worker.on('message', (message: ParseMessage) => {
      if ('fault' in message) {
        settle(() => reject(problemOf(message.fault)))
      } else if ('piece' in message) {
        assembly.add(message.piece)
        // other requests get their turn before the next piece is asked for
        setImmediate(() => worker.postMessage('next'))
      } else {
        settle(() => resolve(assembly.value))
      }
    })
    worker.on('error', (error: Error & { code?: string }) => settle(() => reject(error.code === 'ERR_WORKER_OUT_OF_MEMORY'
      ? new Problem('BODY_TOO_LARGE', 'Reading the documents took too much memory. Send them in several imports.')
      : error)))
    worker.on('exit', () => settle(() => reject(new Problem('SHUTTING_DOWN', 'The server is stopping.'))))
  })
}

function problemOf ({ code, detail, pointer }: ParseFault): Problem {
  return new Problem(code, detail, { places: [{ pointer, detail }] })
}
