// This machine's data caches, as Linux tells them of the first CPU.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CacheLevel } from '../lib/report/index.ts'

const folder = '/sys/devices/system/cpu/cpu0/cache'
const units: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 }

/** @returns null where it does not tell; many virtual machines do not */
export function machineCaches (at = folder): CacheLevel[] | null {
  try {
    const indexes = readdirSync(at).filter((name) => /^index\d+$/.test(name))
    const levels = indexes.map((name) => readIndex(join(at, name))).filter((level) => level !== null)
    return levels.length === 0 ? null : levels.sort((one, other) => one.sizeBytes - other.sizeBytes)
  } catch {
    return null
  }
}

function readIndex (index: string): CacheLevel | null {
  const read = (name: string): string => readFileSync(join(index, name), 'latin1').trim()
  const [, digits = '', unit = ''] = /^(\d+)([KMG])$/.exec(read('size')) ?? []
  if (read('type') === 'Instruction' || digits === '') return null
  const level = read('level')
  return {
    name: level === '1' ? 'L1d' : `L${level}`,
    sizeBytes: Number(digits) * (units[unit] ?? NaN),
    ways: Number(read('ways_of_associativity')),
    lineBytes: Number(read('coherency_line_size'))
  }
}
