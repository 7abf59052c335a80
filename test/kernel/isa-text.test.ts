// The disassembler's two spellings against the programs that have them: every instruction of the table that a program may hold is
// loaded, the kernel's verifier log and bpftool's dump of the translated program are read, and both must print what we print.

import { mapTypeNumbers, programTypeNumbers } from '../../lib/bpf/profile/names.ts'
import { spawnSync } from 'node:child_process'
import { decode, disassemble, disassembleInsn, encode, instructionTable } from '../../lib/bpf/isa/index.ts'
import type { DisassemblyOptions, Insn, InstructionRow } from '../../lib/bpf/isa/index.ts'
import * as op from '../../lib/bpf/isa/op.ts'
import { asm } from '../isa/asm.ts'
import type { Bpf } from '../../src/live-kernel/bpf.ts'
import { kernelSuite } from './support/tally.ts'

const LOG_STEPS = 2
const HELPER_PRANDOM = 7

/** Operands with which the row passes the verifier: r0, r2, r3 are scalars, r10 - 8 is written, r6 is the context. */
function instance (row: InstructionRow): Insn[] {
  const memory = op.classOf(row.code)
  const readsMemory = memory === op.BPF_LDX || row.when.imm === op.BPF_LOAD_ACQ
  const insn: Insn = {
    code: row.code,
    dst: memory === op.BPF_ST || (memory === op.BPF_STX && !readsMemory) ? op.BPF_REG_FP : 2,
    src: readsMemory ? op.BPF_REG_FP : 3,
    off: -8,
    imm: 5
  }
  const isMemory = memory === op.BPF_LDX || memory === op.BPF_ST || memory === op.BPF_STX
  const used = (field: keyof Insn): boolean => field !== 'code' && row.uses.includes(field)
  const placed: Insn = {
    code: row.code,
    dst: used('dst') ? insn.dst : 0,
    src: row.when.src ?? (used('src') ? insn.src : 0),
    off: row.when.off ?? (used('off') && isMemory ? insn.off : 0),
    imm: row.when.imm ?? (row.text.includes('{jumpImm}') ? 0 : row.code === op.CALL ? HELPER_PRANDOM : used('imm') ? insn.imm : 0)
  }
  return row.code === op.LD_IMM64 ? [placed, { code: 0, dst: 0, src: 0, off: 0, imm: 0x1234 }] : [placed]
}

const mayStandInProgram = (row: InstructionRow): boolean =>
  row.group !== 'kernel' && row.code !== op.EXIT && !((row.when.src ?? 0) > 0 && (row.code === op.CALL || row.code === op.LD_IMM64))

function straightLine (rows: readonly InstructionRow[]): Insn[] {
  const reset = asm('r0 = 1\nr2 = 7\nr3 = 3\n*(u64 *)(r10 -8) = r3')
  return [...asm('r6 = r1'), ...rows.flatMap((row) => [...reset, ...instance(row)]), ...asm('r0 = 0\nexit')]
}

/** Verifier log lines by slot, without the state behind them. */
function loggedLines (log: string): Map<number, string> {
  const lines = new Map<number, string>()
  for (const [, slot, text] of log.matchAll(/^(?:from \d+ to \d+: .*\n)?(\d+): (\([0-9a-f]{2}\) .*?)(?:\s*;.*)?$/gm)) {
    if (slot !== undefined && text !== undefined && !lines.has(Number(slot))) lines.set(Number(slot), text)
  }
  return lines
}

function bpftoolLines (id: number): string[] | undefined {
  const { stdout, status } = spawnSync('bpftool', ['prog', 'dump', 'xlated', 'id', String(id)], { encoding: 'utf8' })
  return status === 0 ? stdout.trimEnd().split('\n') : undefined
}

/** What only the kernel knows, the names of functions, taken from the lines we compare with. */
function namesFrom (lines: readonly string[]): DisassemblyOptions {
  const names = new Map(lines.map((line): [number, string | undefined] => [parseInt(line), /call (?:pc)?([^#]+(?:#bpf_prog\S+)?)/.exec(line)?.[1]]))
  return { callName: (_, slot) => names.get(slot) }
}

await kernelSuite('isa: text of instructions', 500, ({ bpf, same }) => {
  const rows = instructionTable.filter(mayStandInProgram)
  const isPacket = (row: InstructionRow): boolean => row.group === 'packet'
  const programs: ReadonlyArray<readonly [number, Insn[]]> = [
    [programTypeNumbers.xdp, straightLine(rows.filter((row) => !isPacket(row)))],
    [programTypeNumbers.socket_filter, straightLine(rows.filter(isPacket))],
    [programTypeNumbers.xdp, mapProgram(bpf)],
    [programTypeNumbers.xdp, asm('r1 = 1\ncall sub\nr0 = 2\nexit\nsub:\nr0 = r1\nexit')]
  ]
  for (const [type, insns] of programs) {
    const { fd, log } = bpf.programLoad({ type, insns: encode(insns), logLevel: LOG_STEPS })
    if (!same(fd >= 0, true, log.slice(-400))) continue
    const logged = loggedLines(log)
    for (const [slot, insn] of insns.entries()) {
      // an address stands where a map was, and the kernel's helper has a name
      const text = logged.get(slot)
      if (text === undefined || (op.isWide(insn) && insn.src !== 0)) continue
      const callName = (): string => /call (\S+)#/.exec(text)?.[1] ?? `+${insn.imm}`
      same(disassembleInsn(insn, insns[slot + 1], slot, { dialect: 'kernel-6.18', callName }), text, `slot ${slot} of the verifier log`)
    }
    const { id, insns: translated } = bpf.xlated(fd)
    const printed = bpftoolLines(id)
    bpf.close(fd)
    if (printed === undefined) {
      console.log('# bpftool is not installed: its dumps are not compared')
      continue
    }
    const decoded = decode(translated)
    const ours = decoded.ok ? disassemble(decoded.value, namesFrom(printed)) : []
    printed.forEach((line, index) => same(ours[index], line, `line ${index} of bpftool's dump`))
    same(ours.length, printed.length, 'lines of bpftool\'s dump')
  }
})

function mapProgram (bpf: Bpf): Insn[] {
  const fd = bpf.mapCreate({ type: mapTypeNumbers.array, keySize: 4, valueSize: 16, maxEntries: 1 })
  return asm(`
    *(u32 *)(r10 -4) = 0
    r2 = r10
    r2 += -4
    r1 = map[id:${fd}]
    call 1
    r3 = map[id:${fd}][0]+12
    r0 = *(u32 *)(r3 +0)
    exit`)
}
