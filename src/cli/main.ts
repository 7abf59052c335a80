#!/usr/bin/env node
// The command line. Every sub-command is imported when it is asked for, so that the small ones start at once.

import { runCli } from './run.ts'

// A reader that has seen enough (`maglev-sim report memory | head`) closes the pipe; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

process.exitCode = await runCli(process.argv.slice(2))
