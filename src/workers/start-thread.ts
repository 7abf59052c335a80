// Starts a worker thread of this folder, from dist and from the TypeScript sources alike. Node 20 gives threads no
// TypeScript loader, and a test runner's own would check types anew in every thread: from sources, a thread registers tsx.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { WorkerOptions } from 'node:worker_threads'
import { packageRoot } from '../cli/paths.ts'

/** @param name of the file in this folder, without its extension */
export function startThread (name: string, options: WorkerOptions): Worker {
  const isSource = import.meta.url.endsWith('.ts')
  return startScript(pathToFileURL(join(packageRoot(), isSource ? '' : 'dist', 'src', 'workers', `${name}.${isSource ? 'ts' : 'js'}`)), options)
}

export function startScript (script: URL, options: WorkerOptions): Worker {
  if (!script.pathname.endsWith('.ts')) return new Worker(script, options)
  const bootstrap = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(script.href)}) })`
  return new Worker(bootstrap, { ...options, eval: true, execArgv: [] })
}
