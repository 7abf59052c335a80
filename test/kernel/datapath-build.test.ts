// The committed objects are what scripts/build-datapath.sh makes of the committed source, from any folder. Needs the
// compiler they were made with; needs no permission.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { datapathLayouts, objectFile, probeFile, stepProbeFile, stepProbes } from '../../lib/datapath/index.ts'

const COMPILER_MAJOR = '14'
const root = join(import.meta.dirname, '../..')

/** @returns why the objects cannot be rebuilt on this machine */
function missing (): string | null {
  const clang = spawnSync('clang', ['--version'], { encoding: 'utf8' })
  if (clang.status !== 0) return 'clang is not installed'
  const major = /clang version (\d+)/.exec(clang.stdout)?.[1] ?? 'unknown'
  if (major !== COMPILER_MAJOR) return `clang is version ${major}, the objects were made with ${COMPILER_MAJOR}`
  return spawnSync('llvm-strip', ['--version']).status === 0 ? null : 'llvm-strip is not installed'
}

const reason = missing()
if (reason !== null) {
  console.log(`# datapath build: skipped, ${reason}`)
  t.pass(`skipped: ${reason}`, { skip: reason })
} else {
  const folder = mkdtempSync(join(tmpdir(), 'datapath build '))
  t.teardown(() => { rmSync(folder, { recursive: true }) })
  cpSync(join(root, 'lib/datapath'), join(folder, 'lib/datapath'), { recursive: true, filter: (source) => !source.endsWith('.o') })
  cpSync(join(root, 'scripts/build-datapath.sh'), join(folder, 'scripts/build-datapath.sh'))

  const beside = spawnSync('bash', [join(folder, 'scripts/build-datapath.sh')], { encoding: 'utf8' })
  const elsewhere = spawnSync('bash', [join(root, 'scripts/build-datapath.sh'), join(folder, 'objects')], { encoding: 'utf8' })
  t.equal(beside.status, 0, beside.stderr)
  t.equal(elsewhere.status, 0, elsewhere.stderr)
  for (const file of [...datapathLayouts.flatMap((layout) => [objectFile(layout), probeFile(layout)]), ...stepProbes.map(stepProbeFile)]) {
    const committed = readFileSync(join(root, 'lib/datapath', file))
    t.ok(committed.equals(readFileSync(join(folder, 'lib/datapath', file))), `${file}: from a copy in another folder`)
    t.ok(committed.equals(readFileSync(join(folder, file))), `${file}: into another folder`)
  }
}
