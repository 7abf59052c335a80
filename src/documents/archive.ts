// A sysdump, or the archive of one cilium-bugtool: the files that say something about the load balancer, as documents of an import. Files
// are inflated one by one, each and all of them within limits, and nothing is written anywhere.

import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { chooseFiles, sysdumpFile } from '../../lib/loadbalancer/dumps/sysdump.ts'
import type { SysdumpFile } from '../../lib/loadbalancer/dumps/sysdump.ts'
import type { DumpText } from '../../lib/loadbalancer/dumps/texts.ts'
import type { ReadDocuments } from '../../routes/support/context.ts'
import { limits } from '../../routes/support/limits.ts'
import { Problem } from '../../routes/support/problems.ts'
import { ArchiveFault, isTar, tarEntries } from './tar.ts'
import { isZip, zipFiles } from './zip.ts'

const unzip = promisify(gunzip)

/** How a sysdump's Kubernetes objects are read; throws a Problem. */
export type ReadManifests = (bytes: Uint8Array, format: 'json' | 'yaml') => Promise<unknown[]>

export function isArchive (bytes: Uint8Array): boolean {
  return isZip(bytes) || isTar(bytes) || isGzip(bytes)
}

export async function readArchive (body: Uint8Array, readManifests: ReadManifests): Promise<ReadDocuments> {
  try {
    const found = await filesOf(body)
    const { taken, passedOver } = chooseFiles(found.map(({ file }) => file))
    if (taken.length === 0) throw new ArchiveFault(`none of its files is known: a sysdump has cilium-dbg-service-list.md, cilium-dbg-bpf-lb-list.md or k8s-services.yaml${heldBack(passedOver)}`)
    const documents: unknown[] = []
    const files: string[] = []
    const add = (path: string, of: readonly unknown[]): void => {
      for (const document of of) {
        documents.push(document)
        files.push(path)
      }
    }
    const budget = { bytes: limits.archiveBytes }
    for (const file of taken) add(file.path, await documentsOf(file, await contentsOf(found, file, budget), readManifests))
    for (const { path, reason } of passedOver) add(path, [{ file: path, passedOver: reason }])
    return { documents, files }
  } catch (error) {
    if (!(error instanceof ArchiveFault)) throw error
    throw new Problem('INVALID_DOCUMENT', `The archive: ${error.message}.`, { places: [{ pointer: '', detail: error.message }] })
  }
}

interface FoundFile {
  readonly file: SysdumpFile
  readonly read: (limit: number) => Promise<Uint8Array>
}

async function filesOf (body: Uint8Array): Promise<FoundFile[]> {
  if (isZip(body)) return known(zipFiles(body, limits.archiveEntries).map(({ path, read }) => ({ path, read })))
  const bytes = isGzip(body) ? await inflated(body) : body
  if (!isTar(bytes)) throw new ArchiveFault('it is neither a zip nor a tar archive')
  const entries: Array<{ path: string, read: FoundFile['read'] }> = []
  for (const { path, bytes: contents } of tarEntries(bytes)) {
    entries.push({ path, read: async () => contents })
    if (entries.length > limits.archiveEntries) throw new ArchiveFault(`more than ${limits.archiveEntries} files are in it`)
  }
  return known(entries)
}

const known = (entries: ReadonlyArray<{ path: string, read: FoundFile['read'] }>): FoundFile[] => entries.flatMap(({ path, read }) => {
  const file = sysdumpFile(path)
  return file === null ? [] : [{ file, read }]
})

async function inflated (body: Uint8Array): Promise<Uint8Array> {
  return await unzip(body, { maxOutputLength: limits.archiveBytes }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_BUFFER_TOO_LARGE') throw new ArchiveFault(`unpacked it has more than ${limits.archiveBytes} bytes; pack the files of the load balancer alone`)
    throw new ArchiveFault('it is damaged: gzip cannot unpack it')
  })
}

async function contentsOf (found: readonly FoundFile[], file: SysdumpFile, budget: { bytes: number }): Promise<Uint8Array> {
  const contents = await found.find((one) => one.file === file)?.read(Math.min(budget.bytes, limits.importBodyBytes)) ?? new Uint8Array()
  budget.bytes -= contents.length
  if (contents.length > limits.importBodyBytes || budget.bytes < 0) throw new ArchiveFault(`${file.path} is larger than what is read of an archive`)
  return contents
}

async function documentsOf ({ path, what }: SysdumpFile, bytes: Uint8Array, readManifests: ReadManifests): Promise<unknown[]> {
  const json = firstCharacter(bytes) === '{' || firstCharacter(bytes) === '['
  if (what === 'manifests' || json) {
    return await readManifests(bytes, json ? 'json' : 'yaml').catch((error: unknown) => { throw error instanceof Problem ? within(path, error) : error })
  }
  return [{ file: path, text: decoded(bytes, path) } satisfies DumpText]
}

const within = (path: string, { code, message, places, facts }: Problem): Problem =>
  new Problem(code, `${path}: ${message}`, { places: places.map(({ pointer, detail }) => ({ pointer, detail: `${path}: ${detail}` })), facts })

/** @param name in words. @throws ArchiveFault */
export function decoded (bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new ArchiveFault(`${name} is no text: it is not UTF-8`)
  }
}

export function firstCharacter (bytes: Uint8Array): string {
  return String.fromCharCode(bytes.find((byte) => byte > 0x20) ?? 0)
}

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

const heldBack = (passedOver: ReadonlyArray<{ path: string, reason: string }>): string =>
  passedOver.length === 0 ? '' : ` (${passedOver.slice(0, 3).map(({ path, reason }) => `${path}: ${reason}`).join('; ')})`
