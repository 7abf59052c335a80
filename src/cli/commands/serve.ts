// `maglev-sim serve`: the HTTP service. What its options leave open, the environment says (HOST, PORT, ...).

import { startServer, StartError } from '../../server.ts'
import { command, wholeNumber } from '../command.ts'
import { Failure } from '../failures.ts'

export default command({
  name: 'serve',
  description: 'Start the HTTP service',
  args: {
    host: { type: 'string', description: 'Address to listen on (HOST, else 127.0.0.1)' },
    port: { type: 'string', description: 'Port to listen on, 0 for a free one (PORT, else 8080)' },
    'allow-remote': { type: 'boolean', description: 'Listen beyond this machine; there is no authentication', default: false },
    'log-level': { type: 'string', description: 'fatal, error, warn, info, debug, trace or silent (LOG_LEVEL, else info)' }
  },
  async run (args) {
    try {
      const { url } = await startServer({
        host: args.host,
        port: args.port === undefined ? undefined : wholeNumber('port', args.port, 0, 65_535),
        allowRemote: args['allow-remote'] ? true : undefined,
        logLevel: args['log-level']
      })
      process.stderr.write(`maglev-sim listens on ${url}\n`)
    } catch (error) {
      if (error instanceof StartError) throw new Failure(error.message)
      throw error
    }
  }
})
