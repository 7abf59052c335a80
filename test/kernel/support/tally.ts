// The tally of comparisons with the running kernel. Each file of test/kernel opens one suite: it skips with a printed
// reason where bpf(2) is refused or the kernel is another, and where it works the suite fails if fewer comparisons ran than it promised.

import type { Test } from 'tap'
import t from 'tap'
import { appendFileSync } from 'node:fs'
import { release } from 'node:os'
import { kernel618 } from '../../../lib/bpf/profile/kernel-6.18.ts'
import { openBpf } from '../../../src/live-kernel/bpf.ts'
import type { Bpf } from '../../../src/live-kernel/bpf.ts'

export interface Suite {
  readonly bpf: Bpf
  /** counts a comparison; a difference fails the test with what was found where */
  same (found: unknown, wanted: unknown, where: string): boolean
}

/** Layouts, accounting and messages differ between kernels: only the profile that claims to be exact is judged. */
function isKnownKernel (): boolean {
  return process.platform !== 'linux' || release().startsWith(`${kernel618.name}.`)
}

/**
 * Runs the comparisons of one file.
 * @param minimum comparisons that must have run
 */
export async function kernelSuite (name: string, minimum: number, body: (suite: Suite, t: Test) => void | Promise<void>): Promise<void> {
  const bpf = isKnownKernel() ? await openBpf() : `the kernel is not the ${kernel618.name} that the emulator is compared with`
  if (typeof bpf === 'string') {
    console.log(`# ${name}: skipped, ${bpf}`)
    t.pass(`skipped: ${bpf}`, { skip: bpf })
    return
  }
  let compared = 0
  let differing = 0
  const suite: Suite = {
    bpf,
    same (found, wanted, where) {
      compared++
      if (Object.is(found, wanted) || JSON.stringify(found) === JSON.stringify(wanted)) return true
      differing++
      if (differing <= 10) t.same(found, wanted, where)
      return false
    }
  }
  await t.test(name, async (test) => { await body(suite, test) })
  t.equal(differing, 0, `${name}: ${compared} compared with the kernel, ${differing} differing`)
  t.ok(compared >= minimum, `${name}: at least ${minimum} comparisons ran`)
  console.log(`# kernel tally: ${name}: compared ${compared}, differing ${differing}`)
  const file = process.env['MAGLEV_KERNEL_TALLY']
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ suite: name, compared, differing })}\n`)
}
