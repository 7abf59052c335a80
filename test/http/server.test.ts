// The process: configuration, a port that is taken, a clean stop, and what the HTTP parser itself refuses.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { ConfigError, isLoopback, readConfig } from '../../src/config.ts'
import { createApi } from './support/api.ts'

const root = join(import.meta.dirname, '..', '..')

t.test('configuration', async (t) => {
  t.same(readConfig({}, {}), { host: '127.0.0.1', port: 8080, allowRemote: false, logLevel: 'info' })
  t.same(readConfig({ port: 1 }, { PORT: '99', HOST: 'localhost', LOG_LEVEL: 'warn' }), { host: 'localhost', port: 1, allowRemote: false, logLevel: 'warn' })
  t.match(readConfig({}, { HOST: '0.0.0.0', ALLOW_REMOTE: 'true', PORT: '' }), { host: '0.0.0.0', allowRemote: true, port: 8080 })
  t.match(readConfig({ host: '::', allowRemote: true }, {}), { host: '::' })
  t.throws(() => readConfig({}, { HOST: '0.0.0.0' }), /^HOST 0\.0\.0\.0 is not a loopback address.*--allow-remote/)
  t.throws(() => readConfig({}, { PORT: '70000' }), new ConfigError('PORT must be <= 65535'))
  t.throws(() => readConfig({}, { PORT: 'http' }), new ConfigError('PORT must be integer'))
  t.throws(() => readConfig({}, { LOG_LEVEL: 'loud' }), /^LOG_LEVEL must be equal to one of the allowed values \(fatal, /)
  t.ok(Object.isFrozen(readConfig({}, {})))
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) t.ok(isLoopback(host), host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', 'example.com']) t.notOk(isLoopback(host), host)
})

function serve (...args: string[]): ChildProcess & { errors: Promise<string> } {
  const child = spawn(process.execPath, [join(root, 'dist', 'src', 'cli', 'main.js'), 'serve', ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] } })
  return Object.assign(child, { errors: text(child.stderr) })
}

async function listening (child: ChildProcess): Promise<string> {
  let log = ''
  for await (const chunk of child.stdout ?? []) {
    log += String(chunk)
    const [, url] = /listening at (http:\/\/[^"]+)"/.exec(log) ?? []
    if (url !== undefined) return url
  }
  throw new Error(`it ended: ${log}`)
}

t.test('a port that is taken is said in one line', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const child = serve('--port', String(port))
  const [code] = await once(child, 'exit') as [number]
  t.equal(code, 1)
  t.equal((await child.errors).trim(), `maglev-sim: port ${port} on 127.0.0.1 is in use by another process; stop that, or choose another port with --port or PORT`)
})

t.test('beyond loopback only when told so', async (t) => {
  const child = serve('--host', '0.0.0.0')
  const [code] = await once(child, 'exit') as [number]
  t.not(code, 0)
  t.match(await child.errors, /^maglev-sim: HOST 0\.0\.0\.0 is not a loopback address\. .*--allow-remote.*\n$/)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  t.test(`${signal} stops it, with an event stream and a run open`, async (t) => {
    const child = serve('--port', '0')
    t.teardown(() => child.kill('SIGKILL'))
    const url = await listening(child)
    const post = (path: string, body: unknown): Promise<Response> => fetch(`${url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    t.equal((await fetch(`${url}/readyz`)).status, 200)
    t.equal((await post('/v1/services', { namespace: 'shop', name: 'web', frontends: [{ address: '172.20.0.10', port: 443 }], backends: [{ address: '10.244.1.7', port: 8443 }] })).status, 201)
    const run = await post('/v1/runs', { kind: 'traffic', packets: 10_000_000, flows: 1000 })
    t.equal(run.status, 202)
    const stream = await fetch(`${url}${run.headers.get('location')}/events`)
    const events = stream.text()
    const asked = performance.now()
    child.kill(signal)
    const [code] = await once(child, 'exit') as [number]
    const tookMs = performance.now() - asked
    t.equal(code, 0)
    t.match(await events, /^event: end$/m, 'the stream is told the end')
    // it is let go after 900 ms at the latest; the rest is the machine's
    t.comment(`stopped in ${tookMs.toFixed(0)} ms`)
    await t.rejects(fetch(`${url}/livez`), 'the port is free')
  })
}

t.test('what is no HTTP is answered as a problem too', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = api.app.server.address() as AddressInfo
  const send = async (bytes: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1')
    socket.write(bytes)
    return await text(socket)
  }
  t.match(await send('NONSENSE\r\n\r\n'), /^HTTP\/1\.1 400 .*application\/problem\+json.*"code":"MALFORMED_REQUEST"/s)
  t.match(await send(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 .*"code":"HEADERS_TOO_LARGE"/s)
})
