// Builds what the service and the tests run from: build/core.wasm (AssemblyScript), build/page (what browsers get) and dist/ (TypeScript).
// A step whose inputs did not change is left out, so that `npm start` and `npm test` may both call it.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.chdir(root)

const newestIn = (dir, accept) => readdirSync(dir, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && accept(entry.name))
  .reduce((newest, entry) => Math.max(newest, statSync(join(entry.parentPath, entry.name)).mtimeMs), 0)

const modified = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0

function run (command, args) {
  const { status, error } = spawnSync(process.execPath, [command, ...args], { stdio: 'inherit' })
  if (error !== undefined) throw error
  if (status !== 0) process.exit(status ?? 1)
}

function buildCore () {
  const source = 'lib/bpf/core/assembly'
  const output = 'build/core.wasm'
  const inputs = Math.max(newestIn(source, (name) => name.endsWith('.ts')), modified('asconfig.json'))
  if (modified(output) >= inputs) return
  mkdirSync('build', { recursive: true })
  run('node_modules/assemblyscript/bin/asc.js', [`${source}/index.ts`, '--config', 'asconfig.json', '--target', 'release'])
}

function buildTypeScript () {
  const inputs = Math.max(modified('tsconfig.json'), modified('tsconfig.build.json'),
    ...['lib', 'routes', 'src', 'bench', 'types'].map((dir) => newestIn(dir, (name) => name.endsWith('.ts'))))
  if (modified('dist/.stamp') >= inputs) return
  run('node_modules/typescript/bin/tsc', ['-p', 'tsconfig.build.json', '--incremental', '--tsBuildInfoFile', 'dist/.stamp'])
}

function buildPage () {
  const inputs = Math.max(newestIn('src/page', () => true), modified('tsconfig.page.json'))
  if (modified('build/page/page.css') >= inputs) return
  run('node_modules/typescript/bin/tsc', ['-p', 'tsconfig.page.json'])
  // last: its time says that all of it is there
  copyFileSync('src/page/page.css', 'build/page/page.css')
}

buildCore()
buildPage()
buildTypeScript()
