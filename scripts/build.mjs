// Builds what the service and the tests run from: build/core.wasm (AssemblyScript), build/page (what browsers get) and dist/ (TypeScript).
// A step whose inputs did not change is left out, so that `npm start` and `npm test` may both call it.
// Types are not checked here but by `npm run types`.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
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

/** In few files: a command line that loads 300 modules one by one starts 0.3 s later. */
async function buildTypeScript () {
  const inputs = Math.max(modified('tsconfig.json'), modified('scripts/build.mjs'), modified('package-lock.json'),
    ...['lib', 'routes', 'src', 'bench', 'types'].map((dir) => newestIn(dir, (name) => name.endsWith('.ts'))))
  if (modified('dist/src/cli/main.js') >= inputs) return
  const { build } = await import('esbuild')
  rmSync('dist', { recursive: true, force: true })
  const threads = readdirSync('src/workers').filter((name) => /-thread\.ts$/.test(name))
  await build({
    entryPoints: ['src/cli/main.ts', 'src/openapi-write.ts', 'bench/main.ts', ...threads.map((name) => `src/workers/${name}`)],
    outbase: '.',
    outdir: 'dist',
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: true,
    logLevel: 'warning'
  })
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
await buildTypeScript()
