// Starts a worker thread of this folder, from dist and from the TypeScript sources alike. Node 20 gives threads no
// TypeScript loader, and a test runner's own would check types anew in every thread: from sources, a thread registers tsx.

import { Worker } from 'node:worker_threads'
import type { WorkerOptions } from 'node:worker_threads'

/** @param name of the file in this folder, without its extension */
export function startThread (name: string, options: WorkerOptions): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, import.meta.url), options)
  const script = JSON.stringify(new URL(`./${name}.ts`, import.meta.url).href)
  const bootstrap = `import('tsx/esm/api').then(({ register }) => { register(); return import(${script}) })`
  return new Worker(bootstrap, { ...options, eval: true, execArgv: [] })
}
