// Dumps on the command line: tables of a machine against those that they should be, and a sysdump into a running service.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { buildTable, defaultSeed } from '../../lib/maglev/index.ts'
import { startServer } from '../../src/server.ts'
import { zip } from '../http/support/archives.ts'

const root = join(import.meta.dirname, '..', '..')

interface Ended { readonly code: number | null, readonly stdout: string, readonly stderr: string }

const folder = mkdtempSync(join(tmpdir(), 'dumps-'))
t.teardown(() => rmSync(folder, { recursive: true }))

function cli (...words: readonly string[]): Promise<Ended> {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [`--import=${import.meta.resolve('tsx')}`, join(root, 'src/cli/main.ts'), ...words], { cwd: folder, env: { PATH, HOME } })
  const read = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => { read.stdout += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { read.stderr += chunk.toString() })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...read })))
}

const hosts = ['10.0.1.17', '10.0.2.33', '10.0.3.5']
const table = (release: '1.13-1.16' | '1.17+'): string => {
  const backends = hosts.map((address, index) => ({ id: index + 1, address, port: 8080, protocol: 'TCP' as const, weight: 100 }))
  return `[${buildTable(251, backends, defaultSeed(), release)?.ids.join(' ')}]`
}

t.test('maglev compare', async (t) => {
  const list = [['172.20.0.10:443/TCP (0)', '0.0.0.0:0 (5) (0) [LoadBalancer]'], ...hosts.map((host, index) => [`172.20.0.10:443/TCP (${index + 1})`, `${host}:8080/TCP (5) (${index + 1})`])]
  writeFileSync(join(folder, 'lb.json'), JSON.stringify(Object.fromEntries(list.map(([key = '', value]) => [key, [value]]))))
  writeFileSync(join(folder, 'lb.txt'), ['SERVICE ADDRESS           BACKEND ADDRESS (REVNAT_ID) (SLOT)', ...list.map(([key = '', value]) => `${key.padEnd(26)}${value}`)].join('\n'))
  writeFileSync(join(folder, 'now.json'), JSON.stringify({ '[5]/v4': [table('1.17+')] }))
  writeFileSync(join(folder, 'before.txt'), `SVC ID   LOOKUP TABLE\n[5]/v4   ${table('1.13-1.16')}\n`)
  writeFileSync(join(folder, 'backends.json'), JSON.stringify({ 1: '10.0.1.17:8080/TCP', 2: '10.0.2.33:8080/TCP', 3: '10.0.3.5:8080/TCP' }))
  const [same, release, known, ...wrong] = await Promise.all([
    cli('maglev', 'compare', '--m', '251', '--services', 'lb.txt', 'now.json'),
    cli('maglev', 'compare', '--m', '251', '--services', 'lb.json', 'before.txt'),
    cli('maglev', 'compare', '--m', '509', '--services', 'lb.json', '--backends', 'backends.json', '--json', 'now.json'),
    cli('maglev', 'compare', 'now.json'),
    cli('maglev', 'compare', '--services', 'now.json', 'now.json'),
    cli('maglev', 'compare', '--services', 'lb.json', 'lb.json')
  ])
  t.match(same, { code: 0, stderr: '' })
  t.match(same.stdout, /\[5\]\/v4 {2}172\.20\.0\.10:443\/TCP +251 +0 +0\.00 % +-/)
  t.match(release, { code: 1, stderr: /1 of 1 table differs/ })
  t.match(release.stdout, /\[5\]\/v4: release: it is the table of release line 1\.13-1\.16; here it is 1\.17\+/)
  t.match(known, { code: 1 })
  t.match(JSON.parse(known.stdout), { items: [{ m: 251, expectedM: 509, differingSlots: 0, causes: [{ code: 'table-size' }] }] })
  for (const ended of wrong) t.match(ended, { code: 2, stdout: '' })
})

t.test('a sysdump and a list into a running service', async (t) => {
  const server = await startServer({ host: '127.0.0.1', port: 0, logLevel: 'silent' })
  t.teardown(() => server.close())
  const list = 'ID   Frontend              Service Type   Backend\n1    172.20.0.10:443/TCP   LoadBalancer   1 => 10.0.1.17:8080/TCP (active)\n'
  writeFileSync(join(folder, 'sysdump.zip'), zip([['s/cilium-bugtool-a/cmd/cilium-dbg-service-list.md', `# cilium-dbg service list\n\n\`\`\`\n${list}\`\`\`\n`]]))
  writeFileSync(join(folder, 'broken.txt'), `${list}2    172.20`)
  const to = ['--server', server.url]
  t.match(await cli('import', ...to, 'sysdump.zip'), { code: 0, stdout: /^sysdump\.zip: 1 created, 0 updated/ })
  t.match(await cli('import', ...to, 'broken.txt'), { code: 2, stdout: '', stderr: /line 3: "2 172\.20" is not ID and ADDRESS/ })
  t.match(await cli('compare', ...to, '--flows', '100'), { code: 0, stdout: /^cilium .* -> dynamic / })
})
