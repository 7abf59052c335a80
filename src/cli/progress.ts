// A progress bar on stderr; where stderr is no terminal, a line every two seconds.

import cliProgress from 'cli-progress'

export interface ProgressBar {
  /** @param note what is shown after the figures */
  update (done: number, note?: string): void
  stop (): void
}

export interface ProgressOptions {
  readonly label: string
  readonly total: number
  readonly unit: string
  readonly silent?: boolean
}

const nothing: ProgressBar = { update () {}, stop () {} }

export function startProgress (options: ProgressOptions): ProgressBar {
  if (options.silent === true) return nothing
  const bar = new cliProgress.SingleBar({
    format: `${options.label} [{bar}] {percentage}%  {value}/{total} ${options.unit}{note}`,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
    noTTYOutput: true,
    stream: process.stderr
  })
  bar.start(options.total, 0, { note: '' })
  return {
    update: (done, note) => bar.update(Math.min(done, options.total), note === undefined ? {} : { note: `  ${note}` }),
    stop: () => bar.stop()
  }
}
