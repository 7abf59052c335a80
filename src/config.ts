// Configuration of the service: one schema for the environment, read once, checked, frozen. The command line's flags take
// the place of variables of the same name.

import envSchema from 'env-schema'

export interface Config {
  readonly host: string
  readonly port: number
  readonly allowRemote: boolean
  readonly logLevel: string
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export const environment = {
  type: 'object',
  properties: {
    HOST: { type: 'string', minLength: 1, maxLength: 253, default: '127.0.0.1', description: 'Address to listen on. Others than loopback need ALLOW_REMOTE or --allow-remote.' },
    PORT: { type: 'integer', minimum: 0, maximum: 65_535, default: 8080, description: 'Port to listen on; 0 takes a free one.' },
    ALLOW_REMOTE: { type: 'boolean', default: false, description: 'Listen beyond loopback. There is no authentication: whoever reaches the port can use the service.' },
    LOG_LEVEL: { type: 'string', enum: [...logLevels], default: 'info', description: 'How much is logged.' }
  }
} as const

interface Environment { HOST: string, PORT: number, ALLOW_REMOTE: boolean, LOG_LEVEL: string }

/** A setting that cannot be used; the message says which and why. */
export class ConfigError extends Error {}

export function readConfig (flags: { readonly [K in keyof Config]?: Config[K] | undefined }, env: NodeJS.ProcessEnv): Config {
  let read: Environment
  try {
    read = envSchema<Environment>({ schema: environment, data: withFlags(flags, env), dotenv: false, env: false })
  } catch (error) {
    throw new ConfigError(describe(error))
  }
  const config = { host: read.HOST, port: read.PORT, allowRemote: read.ALLOW_REMOTE, logLevel: read.LOG_LEVEL }
  if (!config.allowRemote && !isLoopback(config.host)) {
    throw new ConfigError(`HOST ${config.host} is not a loopback address. There is no authentication: pass --allow-remote if everybody who can reach this port may use the service.`)
  }
  return Object.freeze(config)
}

function withFlags (flags: Parameters<typeof readConfig>[0], env: NodeJS.ProcessEnv): Record<string, unknown> {
  const given = { HOST: flags.host, PORT: flags.port, ALLOW_REMOTE: flags.allowRemote, LOG_LEVEL: flags.logLevel }
  const names = Object.keys(environment.properties) as Array<keyof typeof given>
  // an empty variable is one that is not set
  return Object.fromEntries(names.map((name) => [name, given[name] ?? env[name]] as const).filter(([, value]) => value !== undefined && value !== ''))
}

function describe (error: unknown): string {
  const { errors } = error as { errors?: ReadonlyArray<{ instancePath?: string, message?: string, params?: { allowedValues?: unknown } }> }
  const [first] = errors ?? []
  if (first === undefined) return error instanceof Error ? error.message : String(error)
  const allowed = Array.isArray(first.params?.allowedValues) ? ` (${first.params.allowedValues.join(', ')})` : ''
  return `${first.instancePath?.slice(1) ?? 'the environment'} ${first.message ?? 'cannot be used'}${allowed}`
}

export function isLoopback (host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}
