// Files of the package that the page at / is made of.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KernelParity, PageAssets } from '../routes/support/context.ts'
import { packageRoot } from './cli/paths.ts'

export function readPageAssets (): PageAssets {
  const read = (...path: string[]): string => readFileSync(join(packageRoot(), ...path), 'utf8')
  return {
    script: read('build', 'page', 'page.js'),
    style: read('build', 'page', 'page.css'),
    example: read('examples', 'echo.yaml'),
    parity: JSON.parse(read('docs', 'kernel-parity.json')) as KernelParity
  }
}
