// Runs every kernel comparison and writes what was compared to docs/kernel-parity.json and into the README.
// Only when asked: MAGLEV_WRITE_PARITY=1 node --import=tsx test/kernel/support/write-parity.ts [file ...]
// With files (`map-lpm`) only those are run, and the other suites stay as they were counted.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { quoteParity } from './parity.ts'
import type { Parity } from './parity.ts'

const folder = dirname(dirname(fileURLToPath(import.meta.url)))
const root = dirname(dirname(folder))

if (process.env['MAGLEV_WRITE_PARITY'] !== '1') {
  console.error('set MAGLEV_WRITE_PARITY=1 to rewrite docs/kernel-parity.json')
  process.exit(1)
}

const scratch = mkdtempSync(join(tmpdir(), 'parity-'))
const tally = join(scratch, 'tally')
writeFileSync(tally, '')
const wanted = process.argv.slice(2)
const files = readdirSync(folder).filter((name) => name.endsWith('.test.ts') && (wanted.length === 0 || wanted.includes(name.slice(0, -8)))).sort()
let failed = 0
for (const file of files) {
  const run = spawnSync(process.execPath, ['--import=tsx', join(folder, file)], {
    cwd: root, env: { ...process.env, MAGLEV_KERNEL_TALLY: tally }, stdio: ['ignore', 'ignore', 'inherit']
  })
  if (run.status === 0) continue
  failed++
  console.error(`${file} failed`)
}
const counted = readFileSync(tally, 'utf8').split('\n').filter((line) => line !== '').map((line): Parity['suites'][number] => JSON.parse(line))
rmSync(scratch, { recursive: true })
if (counted.length === 0) {
  console.error('nothing was compared; docs/kernel-parity.json stays as it is')
  process.exit(1)
}
const parityFile = join(root, 'docs', 'kernel-parity.json')
const known = wanted.length === 0 ? [] : (JSON.parse(readFileSync(parityFile, 'utf8')) as Parity).suites
const again = (suite: string): Parity['suites'][number] | undefined => counted.find((one) => one.suite === suite)
const suites = [...known.map((one) => again(one.suite) ?? one), ...counted.filter(({ suite }) => !known.some((one) => one.suite === suite))]
const sum = (key: 'compared' | 'differing'): number => suites.reduce((total, suite) => total + suite[key], 0)
const parity: Parity = {
  // the release's numbers only: what follows them names a build, not a kernel
  kernel: /^\d+(?:\.\d+)*/.exec(release())?.[0] ?? release(),
  date: new Date().toISOString().slice(0, 10),
  compared: sum('compared'),
  differing: sum('differing'),
  suites
}
writeFileSync(parityFile, `${JSON.stringify(parity, null, 2)}\n`)
const readme = join(root, 'README.md')
writeFileSync(readme, quoteParity(readFileSync(readme, 'utf8'), parity))
console.log(`${suites.length} suites, ${parity.compared} compared, ${parity.differing} differing`)
process.exitCode = failed > 0 ? 1 : 0
