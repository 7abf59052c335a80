// Where files are: those of the package, and those the caller names.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The nearest folder above with a package.json: the same one from `dist/` and from the TypeScript sources. */
export function packageRoot (): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}

export function packageVersion (): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }
  return version
}

/** npm moves to the package root before it runs a script and leaves the caller's folder in INIT_CWD. */
export function callerPath (file: string): string {
  const folder = process.cwd()
  return resolve(folder === packageRoot() ? process.env['INIT_CWD'] ?? folder : folder, file)
}
