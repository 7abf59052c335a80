// The documents of a folder: every .yaml, .yml and .json below it, with the file and line that each starts at.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import type { Dirent } from 'node:fs'
import { join, relative } from 'node:path'
import { parseJson, parseYaml } from '../../documents/parse.ts'
import type { ParseFault } from '../../documents/parse.ts'
import { BadInput } from '../failures.ts'
import { findingOf } from './finding.ts'
import type { Finding } from './finding.ts'

export interface ManifestDocument {
  /** from the folder that the command was called in, with `/`; the whole path where it is not below that */
  readonly file: string
  /** from 1 */
  readonly line: number
  readonly value: unknown
}

export interface Manifests {
  readonly documents: readonly ManifestDocument[]
  /** files that cannot be read */
  readonly faults: readonly Finding[]
}

const filesMax = 10_000
const bytesMax = 256 * 1024 * 1024

/** @param paths files and folders. @throws BadInput where these are none, or more than can be checked at once */
export function readManifests (paths: readonly string[], cwd: string): Manifests {
  const files = paths.flatMap((path) => filesBelow(path))
  if (files.length === 0) throw new BadInput(`no .yaml, .yml or .json file is in ${paths.map((path) => named(path, cwd)).join(', ')}`)
  if (files.length > filesMax) throw new BadInput(`${files.length} files are more than the ${filesMax} that are checked at once`)
  const documents: ManifestDocument[] = []
  const faults: Finding[] = []
  let bytes = 0
  for (const path of files) {
    const file = named(path, cwd)
    const contents = contentsOf(path)
    if (typeof contents === 'string') faults.push(findingOf('bad-input', contents, { file, line: 1 }))
    else {
      bytes += contents.length
      if (bytes > bytesMax) throw new BadInput(`the files have more than ${bytesMax} bytes together`)
      const read = documentsOf(file, contents)
      if (Array.isArray(read)) documents.push(...read)
      else faults.push(read)
    }
  }
  return { documents, faults }
}

function filesBelow (path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new BadInput(`there is no ${path}`)
  if (stat.isFile()) return [path]
  return entriesOf(path).sort((one, other) => one.name < other.name ? -1 : 1).flatMap((entry) => {
    const below = join(path, entry.name)
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return []
    if (entry.isDirectory()) return filesBelow(below)
    return entry.isFile() && /\.(ya?ml|json)$/i.test(entry.name) ? [below] : []
  })
}

function entriesOf (path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch (error) {
    throw new BadInput(`cannot read ${path} (${codeOf(error)})`)
  }
}

/** @returns why it cannot be read */
function contentsOf (path: string): Buffer | string {
  try {
    return readFileSync(path)
  } catch (error) {
    return `cannot be read (${codeOf(error)})`
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error)

function named (path: string, cwd: string): string {
  const name = relative(cwd, path).replaceAll('\\', '/')
  return name.startsWith('..') ? path : name || '.'
}

function documentsOf (file: string, contents: Buffer): ManifestDocument[] | Finding {
  const isJson = file.toLowerCase().endsWith('.json')
  const parsed = isJson ? parseJson(contents) : parseYaml(contents)
  const lines = isJson ? [] : startsOf(contents.toString())
  if (!parsed.ok) return faultOf(file, parsed.fault, lines)
  return (isJson ? [parsed.value].flat() : parsed.value as unknown[]).map((value, index) => ({ file, line: lines[index] ?? 1, value }))
}

/** @param lines that the documents of the file start at, where it has several */
export function faultOf (file: string, { detail, pointer, line }: ParseFault, lines: readonly number[] = []): Finding {
  const [, index] = pointer.split('/')
  // the parser is that of the service
  const said = detail.replace(/(?<=\b[Tt])he body\b/, 'he file')
  return findingOf('bad-input', said, { file, line: line ?? lines[Number(index)] ?? 1 })
}

/** Line of the first word of every document that is not empty. */
function startsOf (text: string): number[] {
  const starts: number[] = []
  let waiting = true
  for (const [index, line] of text.split('\n').entries()) {
    if (/^(---|\.\.\.)(\s|$)/.test(line)) {
      waiting = true
      if (/^---\s+[^\s#]/.test(line)) {
        starts.push(index + 1)
        waiting = false
      }
    } else if (waiting && /^\s*[^\s#%]/.test(line)) {
      starts.push(index + 1)
      waiting = false
    }
  }
  return starts
}
