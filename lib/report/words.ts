// Words and numbers that several reports use.

import type { Subject } from './subject/source.ts'
import type { Column } from './table.ts'

export const column = (key: string, title: string, as?: Column['as']): Column => as === undefined ? { key, title } : { key, title, as }

/** of what a table is read for */
export const answerColumn = (...of: Parameters<typeof column>): Column => ({ ...column(...of), answer: true })

/** What reports of tables say where there are none. */
export const NO_TABLE = 'There is no service with a table yet; try a mix, as in 700x3,200x10.'

/** `12.3 MB`, decimal as memory bills are */
export function formatBytes (bytes: number): string {
  const steps = [['GB', 1e9], ['MB', 1e6], ['kB', 1e3]] as const
  const step = steps.find(([, size]) => bytes >= size)
  return step === undefined ? `${bytes} B` : `${(bytes / step[1]).toFixed(1)} ${step[0]}`
}

/** @param share of one */
export const formatShare = (share: number): string => `${(share * 100).toFixed(2)} %`

/** `1 frontend`, `2 frontends`, `3 addresses`. @param as how the number is written */
export const counted = (count: number, noun: string, as: (count: number) => string = String): string =>
  `${as(count)} ${noun}${count === 1 ? '' : noun.endsWith('s') ? 'es' : 's'}`

export const subjectText = (subject: Subject): string => subject.mix === null
  ? `the cluster at revision ${subject.revision} (${counted(subject.frontends, 'frontend')} with a table)`
  : `the mix ${subject.mix} (${counted(subject.frontends, 'frontend')})`

/** `125 s`, `1.25 s`, `88 us`: three digits that count; from two minutes on minutes too */
export function formatSeconds (seconds: number): string {
  if (seconds >= 120) return `${Math.round(seconds)} s (${(seconds / 60).toFixed(1)} min)`
  const [unit, size] = seconds >= 1 || seconds === 0 ? ['s', 1] as const : seconds >= 1e-3 ? ['ms', 1e-3] as const : ['us', 1e-6] as const
  return `${Number((seconds / size).toPrecision(3))} ${unit}`
}
