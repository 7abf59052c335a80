// Runs: states, queue, progress, events with replay, cancel, results, retention, and what they look like over HTTP. The work
// is done by executors that the test steers, so nothing here depends on time passing.

import t from 'tap'
import { Type } from 'typebox'
import { SimError } from '../../lib/sim/errors.ts'
import { runStates, terminalStates, type RunEvent, type RunState } from '../../routes/support/runs.ts'
import { EventLog } from '../../src/runs/event-log.ts'
import { createRunManager, type RunLimits, type RunManager } from '../../src/runs/manager.ts'
import { mayFollow } from '../../src/runs/states.ts'
import type { RunControl, RunExecutor } from '../../src/runs/types.ts'
import { createApi } from './support/api.ts'

interface Work { readonly control: RunControl, readonly plan: unknown, finish (result: unknown): void, fail (error: unknown): void }

/** An executor whose runs do what the test says, when it says it. */
function steered (): { executor: RunExecutor, next (): Promise<Work> } {
  const started: Work[] = []
  let wake = (): void => {}
  return {
    executor: {
      kind: 'steered',
      description: 'Does what the test says.',
      body: Type.Object({ kind: Type.Literal('steered'), size: Type.Integer({ minimum: 0, maximum: 10, default: 3 }) }, {
        title: 'SteeredRun', additionalProperties: false, examples: [{ kind: 'steered' }]
      }),
      validate (body) {
        const { size } = body as { size: number }
        if (size === 0) throw new SimError('INVALID_ARGUMENT', 'Nothing to do.', { places: [{ pointer: '/size', detail: 'is 0' }] })
        return { kind: 'steered', size, seed: 1 }
      },
      execute: (plan, control) => new Promise((resolve, reject) => {
        control.signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
        started.push({ plan, control, finish: resolve, fail: reject })
        wake()
      })
    },
    async next () {
      while (started.length === 0) await new Promise<void>((resolve) => { wake = resolve })
      return started.shift() as Work
    }
  }
}

const limits: RunLimits = { running: 1, queued: 2, kept: 3, retentionMs: 1000, runMs: 60_000, eventsKept: 100 }

interface Managed { manager: RunManager, clock: { now: number }, logged: unknown[] }

function managerOf (executor: RunExecutor, overrides: Partial<RunLimits> = {}): Managed {
  const clock = { now: 1_000_000 }
  const logged: unknown[] = []
  let id = 0
  const manager = createRunManager({
    executors: [executor],
    limits: { ...limits, ...overrides },
    revision: () => 7,
    newId: () => `run-${++id}`,
    clock: () => clock.now,
    log: { info () {}, error: (facts) => { logged.push(facts) } }
  })
  return { manager, clock, logged }
}

async function collect (events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
  const all: RunEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

const never = new AbortController().signal
const stateOf = ({ data }: RunEvent): string => (data as { state: string }).state

t.test('the table of states', async (t) => {
  for (const state of runStates) {
    const after = runStates.filter((next) => mayFollow(state, next))
    t.equal(after.length === 0, terminalStates.has(state), `${state} -> ${after.join(', ') || 'the end'}`)
  }
  const reached = new Set<RunState>(['queued'])
  for (const state of reached) for (const next of runStates) if (mayFollow(state, next)) reached.add(next)
  t.equal(reached.size, runStates.length, 'every state is reached')
})

t.test('a run from its beginning to its end', async (t) => {
  const { executor, next } = steered()
  const { manager, clock } = managerOf(executor)
  t.teardown(() => manager.close())
  t.throws(() => manager.create({ kind: 'steered', size: 0 }), { code: 'INVALID_ARGUMENT' }, 'refused before it is a run')
  t.throws(() => manager.create({ kind: 'other' }), { code: 'INVALID_ARGUMENT', places: [{ pointer: '/kind' }] })
  t.same(manager.list(), [])
  const run = manager.create({ kind: 'steered', size: 4 })
  t.match(run, { id: 'run-1', kind: 'steered', spec: { size: 4, seed: 1 }, revision: 7, createdAt: '1970-01-01T00:16:40.000Z', progress: null, error: null })
  const events = collect(manager.events(run.id, null, never))
  const work = await next()
  t.throws(() => manager.result(run.id), { code: 'RUN_NOT_FINISHED' })
  t.throws(() => manager.remove(run.id), { code: 'RUN_NOT_FINISHED' })
  clock.now += 500
  work.control.onProgress({ done: 1, total: 4, unit: 'things' })
  t.same(manager.get(run.id).progress, { done: 1, total: 4, unit: 'things', percent: 25, etaMs: 1500 })
  work.control.onProgress({ done: 2, total: 4, unit: 'things' })
  const waited = manager.wait(run.id, 60_000)
  work.finish({ answer: 42 })
  t.match(await waited, { state: 'succeeded', finishedAt: '1970-01-01T00:16:40.500Z', expiresAt: '1970-01-01T00:16:41.500Z' })
  t.same(manager.result(run.id), { answer: 42 })
  t.throws(() => manager.cancel(run.id), { code: 'RUN_FINISHED' })
  const told = await events
  t.same(told.map(({ id, event }) => `${id} ${event}`), ['1 state', '2 state', '3 progress', '4 state', '5 end'], 'progress is thinned out')
  t.same(told.filter(({ event }) => event === 'state').map(stateOf), ['queued', 'running', 'succeeded'])
  t.same((await collect(manager.events(run.id, 3, never))).map(({ id }) => id), [4, 5], 'who comes back gets what was missed')
  t.same((await collect(manager.events(run.id, 99, never))).map(({ id }) => id), [], 'an id of the future gets nothing')
  manager.remove(run.id)
  t.throws(() => manager.get(run.id), { code: 'RUN_NOT_FOUND' })
})

t.test('one at a time, so many waiting, and cancel in both places', async (t) => {
  const { executor, next } = steered()
  const { manager } = managerOf(executor)
  t.teardown(() => manager.close())
  const [first, second, third] = [1, 2, 3].map((size) => manager.create({ kind: 'steered', size }))
  t.throws(() => manager.create({ kind: 'steered', size: 4 }), { code: 'TOO_MANY_RUNS', headers: { 'retry-after': /\d/ } })
  t.same(manager.list().map(({ state }) => state), ['running', 'queued', 'queued'])
  t.equal(manager.cancel(second?.id ?? '').state, 'cancelled', 'one that waits is cancelled at once')
  t.equal(manager.cancel(second?.id ?? '').state, 'cancelled', 'again is no fault')
  await next()
  t.equal(manager.cancel(first?.id ?? '').state, 'cancelling')
  t.equal((await manager.wait(first?.id ?? '', 60_000)).state, 'cancelled')
  t.throws(() => manager.result(first?.id ?? ''), { code: 'RUN_HAS_NO_RESULT' })
  const work = await next()
  t.match(work.plan, { size: 3 }, 'the next one starts')
  work.finish({})
  t.equal((await manager.wait(third?.id ?? '', 60_000)).state, 'succeeded')
  t.same(manager.counts(), { queued: 0, running: 0, cancelling: 0, succeeded: 1, failed: 0, cancelled: 2, expired: 0 })
})

t.test('what goes wrong in a run is its error', async (t) => {
  const { executor, next } = steered()
  const { manager, logged } = managerOf(executor, { runMs: 1 })
  t.teardown(() => manager.close())
  const stateAfter = async (act: (work: Work) => void): Promise<unknown> => {
    const { id } = manager.create({ kind: 'steered', size: 1 })
    act(await next())
    return await manager.wait(id, 60_000)
  }
  t.match(await stateAfter(({ fail }) => fail(new SimError('NODE_NOT_FOUND', 'The node went.'))), { state: 'failed', error: { code: 'NODE_NOT_FOUND', status: 404 } })
  const unexpected = await stateAfter(({ fail }) => fail(new Error('secret')))
  t.match(unexpected, { state: 'failed', error: { code: 'INTERNAL_ERROR' } })
  t.notMatch(JSON.stringify(unexpected), /secret/)
  t.match(logged, [{ err: { message: 'secret' } }])
  t.match(await stateAfter(() => {}), { state: 'expired', error: { code: 'RUN_TIME_EXCEEDED' } })
})

t.test('finished runs are forgotten', async (t) => {
  const { executor, next } = steered()
  const { manager, clock } = managerOf(executor)
  t.teardown(() => manager.close())
  const run = async (): Promise<void> => {
    const { id } = manager.create({ kind: 'steered', size: 1 })
    ;(await next()).finish({})
    await manager.wait(id, 60_000)
  }
  for (let i = 0; i < 5; i++) await run()
  manager.create({ kind: 'steered', size: 1 })
  t.same(manager.list().map(({ id }) => id), ['run-3', 'run-4', 'run-5', 'run-6'], 'the oldest beyond the number kept')
  ;(await next()).finish({})
  clock.now += limits.retentionMs + 1
  manager.create({ kind: 'steered', size: 1 })
  t.notOk(manager.list().some(({ id }) => id === 'run-3'), 'and those that are too old')
})

t.test('closing cancels what runs', async (t) => {
  const { executor, next } = steered()
  const { manager } = managerOf(executor)
  const run = manager.create({ kind: 'steered', size: 1 })
  await next()
  await manager.close()
  t.equal(manager.get(run.id).state, 'cancelled')
  t.throws(() => manager.create({ kind: 'steered', size: 1 }), { code: 'SHUTTING_DOWN' })
})

t.test('events that are gone are told as a gap, and a reader that leaves is let go', async (t) => {
  const log = new EventLog(3)
  for (let i = 0; i < 6; i++) log.push('progress', i)
  const leaving = new AbortController()
  const reader = log.read(1, leaving.signal)
  t.same((await reader.next()).value, { id: 3, event: 'gap', data: { from: 2, to: 3 } })
  t.match((await reader.next()).value, { id: 4 })
  await reader.next()
  await reader.next()
  const waiting = reader.next()
  leaving.abort()
  t.equal((await waiting).done, true)
})

t.test('over HTTP', async (t) => {
  const { executor, next } = steered()
  const api = await createApi({ executors: [executor], limits: { queued: 1 } })
  t.teardown(() => api.close())
  const planned = await api.call('POST', '/v1/runs?validateOnly=true', { body: { kind: 'steered' } })
  t.same(planned.json(), { kind: 'steered', spec: { kind: 'steered', size: 3, seed: 1 } })
  t.equal((await api.call('POST', '/v1/runs', { body: { kind: 'steered', size: 0 } })).status, 422)
  t.match((await api.call('POST', '/v1/runs', { body: { kind: 'steered', size: 11 } })).json(), { code: 'VALIDATION_FAILED', errors: [{ pointer: '/size' }] })

  const created = await api.call('POST', '/v1/runs', { body: { kind: 'steered' }, headers: { prefer: 'respond-async' } })
  t.equal(created.status, 202)
  t.equal(created.header('retry-after'), '1')
  const self = created.header('location')
  const work = await next()
  const polled = await api.call('GET', self)
  t.match(polled.json(), { state: 'running', links: { self } })
  t.equal((await api.call('GET', self, { headers: { 'if-none-match': polled.header('etag') } })).status, 304)
  t.equal((await api.call('GET', `${self}/results`)).status, 409)
  t.equal((await api.call('DELETE', self)).status, 409)
  t.equal((await api.call('GET', `${self}/events`, { headers: { accept: 'application/json' } })).status, 406)

  const waiting = api.call('POST', '/v1/runs', { body: { kind: 'steered' }, headers: { prefer: 'wait=20' } })
  work.finish({ packets: '3' })
  ;(await next()).finish({ packets: '4' })
  const waited = await waiting
  t.match([waited.status, waited.header('preference-applied'), waited.json()], [200, 'wait=20', { state: 'succeeded' }])

  t.same((await api.call('GET', `${self}/results`)).json(), { packets: '3' })
  t.equal((await api.call('GET', `${self}/results`, { headers: { accept: 'text/html, */*;q=0.1' } })).header('content-type').split(';')[0], 'application/json')
  t.equal((await api.call('GET', `${self}/results?format=csv`)).status, 406, 'only reports have other forms')
  const stream = await api.call('GET', `${self}/events`)
  t.match(stream.header('content-type'), 'text/event-stream')
  t.same([...stream.text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name), ['state', 'state', 'state', 'end'])
  t.same([...(await api.call('GET', `${self}/events`, { headers: { 'last-event-id': '3' } })).text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id), ['4'])
  t.equal((await api.call('GET', `${self}/events`, { headers: { 'last-event-id': 'x' } })).status, 400)

  const first = await api.call('GET', '/v1/runs?limit=1')
  t.match(first.json(), { items: [{ links: { self } }], next: String })
  const second = await api.call('GET', /<(.*)>; rel="next"/.exec(first.header('link'))?.[1] ?? '')
  t.match(second.json(), { items: [{ state: 'succeeded' }], next: null })
  t.match((await api.call('GET', '/v1/runs?state=failed')).json(), { items: [], next: null })

  const open = await api.call('POST', '/v1/runs', { body: { kind: 'steered' } })
  await next()
  t.equal((await api.call('POST', '/v1/runs', { body: { kind: 'steered' } })).status, 202, 'one waits')
  const refused = await api.call('POST', '/v1/runs', { body: { kind: 'steered' } })
  t.equal(refused.status, 429)
  const cancelled = await api.call('POST', `${open.header('location')}/cancel`)
  t.match(cancelled.json(), { state: /cancelling|cancelled/ })
  t.equal((await api.call('POST', `${self}/cancel`)).status, 409)
  t.equal((await api.call('DELETE', self)).status, 204)
  t.equal((await api.call('GET', self)).status, 404)
  t.equal((await api.call('GET', '/v1/runs/unknown/events')).status, 404)
})

t.test('the result of a report is there in every form of reports', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  const run = (await api.call('POST', '/v1/runs', { body: { kind: 'report', report: 'memory', mix: '7x3' }, headers: { prefer: 'wait=20' } })).json() as { links: { results: string } }
  const { results } = run.links
  const atOnce = await api.call('POST', '/v1/reports/memory', { body: { mix: '7x3' } })
  t.same((await api.call('GET', results)).text, atOnce.text, 'the same as the report asked for at once')
  t.match((await api.call('GET', `${results}?format=csv`)).text, /^\w+(,\w+)+\r\n/)
  t.match((await api.call('GET', results, { headers: { accept: 'text/markdown' } })).text, /^# Memory of the mix 7x3/)
  const page = await api.call('GET', `${results}?format=html`)
  t.match(page.text, /curl -s http:\/\/[^ ]+\/v1\/runs /)
  const [picture] = [...page.text.matchAll(/href="([^"]*format=svg[^"]*)"/g)].map(([, href]) => (href ?? '').replaceAll('&amp;', '&'))
  t.match((await api.call('GET', picture ?? '')).text, /^<svg /)
})
