// The instruction set, case by case: interpreter and tracer against expected values and against each other.

import t from 'tap'
import { createHarness, outcome } from './support/harness.ts'
import { isaCases } from './support/isa-cases.ts'
import { casePacket, caseResult, caseTranslated } from './support/programs.ts'

const { core, interpret, trace } = createHarness()
const { data, dataEnd } = core.profile.structs.xdpBuff

for (const proved of [true, false]) {
  t.test(`${isaCases.length} cases, accesses ${proved ? 'proved' : 'checked at run time'}`, async (t) => {
    const wrong: unknown[] = []
    for (const isaCase of isaCases) {
      const program = caseTranslated(isaCase, data, dataEnd, proved)
      const packet = casePacket(isaCase)
      const interpreted = interpret(program, packet)
      const traced = trace(program, packet)
      const found = caseResult(interpreted.packet)
      const expectedLow = Number(BigInt.asUintN(32, isaCase.expected))
      if (found !== isaCase.expected || interpreted.retval !== expectedLow || interpreted.fault !== null) {
        wrong.push({ name: isaCase.name, found: found.toString(16), expected: isaCase.expected.toString(16), fault: interpreted.fault })
      }
      if (JSON.stringify(outcome(interpreted)) !== JSON.stringify(outcome(traced))) {
        wrong.push({ name: isaCase.name, interpreted: outcome(interpreted), traced: outcome(traced) })
      }
    }
    t.same(wrong, [])
    t.ok(isaCases.length > 900, 'the table is whole')
  })
}
