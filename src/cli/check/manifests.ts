// The documents of a folder: every .yaml, .yml and .json below it, with the file and line that each starts at.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseJson, parseYaml } from '../../documents/parse.ts'
import { BadInput } from '../failures.ts'

export interface ManifestDocument {
  /** from the folder that the command was called in, with `/`; the whole path where it is not below that */
  readonly file: string
  /** from 1 */
  readonly line: number
  readonly value: unknown
}

const filesMax = 10_000
const bytesMax = 256 * 1024 * 1024

/** @param paths files and folders. @throws BadInput with file and place of what cannot be read */
export function readManifests (paths: readonly string[], cwd: string): ManifestDocument[] {
  const files = paths.flatMap((path) => filesBelow(path))
  if (files.length === 0) throw new BadInput(`no .yaml, .yml or .json file is in ${paths.map((path) => named(path, cwd)).join(', ')}`)
  if (files.length > filesMax) throw new BadInput(`${files.length} files are more than the ${filesMax} that are checked at once`)
  let bytes = 0
  return files.flatMap((path) => {
    const contents = readFileSync(path)
    bytes += contents.length
    if (bytes > bytesMax) throw new BadInput(`the files have more than ${bytesMax} bytes together`)
    return documentsOf(named(path, cwd), contents)
  })
}

function filesBelow (path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new BadInput(`there is no ${path}`)
  if (stat.isFile()) return [path]
  return readdirSync(path, { withFileTypes: true }).sort((one, other) => one.name < other.name ? -1 : 1).flatMap((entry) => {
    const below = join(path, entry.name)
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return []
    if (entry.isDirectory()) return filesBelow(below)
    return entry.isFile() && /\.(ya?ml|json)$/i.test(entry.name) ? [below] : []
  })
}

function named (path: string, cwd: string): string {
  const name = relative(cwd, path).replaceAll('\\', '/')
  return name.startsWith('..') ? path : name || '.'
}

function documentsOf (file: string, contents: Buffer): ManifestDocument[] {
  const isJson = file.toLowerCase().endsWith('.json')
  const parsed = isJson ? parseJson(contents) : parseYaml(contents)
  if (!parsed.ok) throw new BadInput(`${file}: ${parsed.fault.detail}`)
  if (isJson) return [parsed.value].flat().map((value) => ({ file, line: 1, value }))
  const lines = startsOf(contents.toString())
  return (parsed.value as unknown[]).map((value, index) => ({ file, line: lines[index] ?? 1, value }))
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
