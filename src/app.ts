// The app: plugins and routes around a simulator. It listens to nothing and reads no environment, so that tests put requests
// in directly; server.ts makes a process of it.

import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { CacheLevel } from '../lib/report/index.ts'
import type { Simulator } from '../lib/sim/types.ts'
import { routes } from '../routes/index.ts'
import type { About, RouteOptions } from '../routes/support/context.ts'
import { limits } from '../routes/support/limits.ts'
import { createDocumentReader } from './documents/reader.ts'
import { readPageAssets } from './page-assets.ts'
import { bodies } from './plugins/bodies.ts'
import { entityTags } from './plugins/entity-tags.ts'
import { eventStreams } from './plugins/event-streams.ts'
import { metrics } from './plugins/metrics.ts'
import { negotiation } from './plugins/negotiation.ts'
import { openapi } from './plugins/openapi.ts'
import { answerClientError, answerFrameworkError, problems } from './plugins/problems.ts'
import { requestLog } from './plugins/request-log.ts'
import { shedding } from './plugins/shedding.ts'
import { turns } from './plugins/turns.ts'
import { ajvOptions, validation } from './plugins/validation.ts'
import type { RunManager } from './runs/manager.ts'

export interface AppOptions {
  readonly sim: Simulator
  readonly runs: RunManager
  readonly about: About
  /** this machine's data caches, where it tells them */
  readonly caches?: readonly CacheLevel[] | null
  /** silent where left out */
  readonly logger?: FastifyBaseLogger
  /** between comments that keep an event stream open */
  readonly heartbeatMs?: number
}

/** for runs to end when the server stops */
const runsStopMs = 700

export async function buildApp ({ sim, runs, about, caches = null, logger, heartbeatMs }: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    ...(logger === undefined ? { logger: false } : { loggerInstance: logger }),
    ajv: ajvOptions,
    bodyLimit: limits.bodyBytes,
    connectionTimeout: 120_000,
    requestTimeout: 60_000,
    keepAliveTimeout: 30_000,
    handlerTimeout: 0,
    http: { maxHeaderSize: limits.headerBytes, headersTimeout: 20_000 },
    // one line for each request, when it has been answered: request-log.ts
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'instance' }),
    requestIdHeader: false,
    genReqId: requestId,
    forceCloseConnections: 'idle',
    // shedding.ts says it as a problem
    return503OnClosing: false,
    routerOptions: { maxParamLength: 256 },
    clientErrorHandler: answerClientError,
    frameworkErrors: answerFrameworkError
  })
  const documents = createDocumentReader()

  // the order matters: hooks run in the order of their registration, and a plugin sees the routes that come after it
  await app.register(requestLog)
  await app.register(problems)
  await app.register(shedding)
  await app.register(bodies)
  await app.register(validation)
  await app.register(negotiation)
  await app.register(entityTags)
  await app.register(turns)
  await app.register(eventStreams, heartbeatMs === undefined ? {} : { heartbeatMs })
  await app.register(openapi, { version: about.version })
  await app.register(metrics, { sim, runs })

  const options: RouteOptions = {
    sim,
    runs,
    documents,
    about,
    page: readPageAssets(),
    readiness: { reasons: () => app.isDraining() ? ['the server is stopping'] : [] },
    packets: app.packetCounter,
    caches
  }
  for (const route of routes) await app.register(route, options)

  app.addHook('preClose', async () => {
    app.drain()
    // a run that is cancelled ends its event streams by itself; what is still open then is cut
    await Promise.race([runs.close(), sleep(runsStopMs, undefined, { ref: false })])
    await nextTurn()
    app.closeEventStreams()
  })
  app.addHook('onClose', () => documents.close())
  return app
}

/** The client's own id where it is harmless to print. */
function requestId ({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID()
}
