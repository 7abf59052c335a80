// The process: configuration, log, listening, stopping. Everything that may be asked of it over HTTP is in app.ts.

import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import closeWithGrace from 'close-with-grace'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { pino, type Logger } from 'pino'
import type { Simulator } from '../lib/sim/types.ts'
import { limits } from '../routes/support/limits.ts'
import { buildApp } from './app.ts'
import { ConfigError, readConfig, type Config } from './config.ts'
import { machineCaches } from './machine-caches.ts'
import { allExecutors } from './runs/executors.ts'
import { createRunManager, type RunManager } from './runs/manager.ts'
import type { RunExecutor } from './runs/types.ts'
import { createProcessSimulator } from './simulator.ts'
import { packageRoot, packageVersion } from './cli/paths.ts'

export interface ServerOptions {
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly allowRemote?: boolean | undefined
  readonly logLevel?: string | undefined
}

export interface RunningServer {
  readonly app: FastifyInstance
  /** where it listens, as an address to open */
  readonly url: string
  close (): Promise<void>
}

/** A reason not to start that the user can do something about; the message is one line. */
export class StartError extends Error {}

/** How long a stop may take before what is left is dropped. */
const stopMs = 900

/** Starts the service and stops it on SIGINT and SIGTERM. Throws StartError. */
export async function startServer (options: ServerOptions = {}): Promise<RunningServer> {
  const config = configOf(options)
  const log = pino({ level: config.logLevel, redact: ['req.headers.authorization'] })
  const sim = createProcessSimulator()
  const caches = machineCaches()
  const runs: RunManager = createProcessRuns(allExecutors(sim, { result: (id) => runs.result(id), caches }), sim, log)
  const about = { name: 'maglev-sim', version: packageVersion(), commit: commitOf(packageRoot()), node: process.version }
  const app = await buildApp({ sim, runs, about, caches, logger: log as FastifyBaseLogger })
  const url = await listen(app, config)

  const grace = closeWithGrace({ delay: stopMs, logger: log }, async ({ signal, err }) => {
    if (err !== undefined) log.fatal({ err }, 'the process cannot go on')
    else log.info({ signal }, 'stopping')
    app.drain()
    await app.close()
  })
  return {
    app,
    url,
    async close () {
      grace.uninstall()
      app.drain()
      await app.close()
    }
  }
}

function configOf (options: ServerOptions): Config {
  try {
    return readConfig(options, process.env)
  } catch (error) {
    if (error instanceof ConfigError) throw new StartError(error.message)
    throw error
  }
}

async function listen (app: FastifyInstance, { host, port }: Config): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (error) {
    await app.close()
    throw explained(error as NodeJS.ErrnoException, host, port)
  }
}

function explained (error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') return new StartError(`port ${port} on ${host} is in use by another process; stop that, or choose another port with --port or PORT`)
  if (error.code === 'EACCES') return new StartError(`this user may not listen on port ${port}; choose one above 1023 with --port or PORT`)
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') return new StartError(`this machine has no address ${host}; set HOST or --host to one of its own`)
  return error
}

/** Of a clone; elsewhere it is not known. */
function commitOf (root: string): string | null {
  const read = (...path: string[]): string | null => existsSync(join(root, '.git', ...path)) ? readFileSync(join(root, '.git', ...path), 'utf8').trim() : null
  const head = read('HEAD')
  const [, branch] = /^ref: ([\w./-]+)$/.exec(head ?? '') ?? []
  return branch === undefined ? head : read(...branch.split('/'))
}

function createProcessRuns (executors: readonly RunExecutor[], sim: Simulator, log: Logger): RunManager {
  return createRunManager({
    executors,
    limits: {
      running: limits.runsRunning,
      queued: limits.runsQueued,
      kept: limits.runsKept,
      retentionMs: limits.runRetentionSeconds * 1000,
      runMs: limits.runSeconds * 1000,
      eventsKept: limits.eventsKept
    },
    revision: () => sim.revision(),
    newId: randomUUID,
    clock: Date.now,
    log
  })
}
