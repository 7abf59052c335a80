// Verdicts, errno and words over the case table; what the kernel does not share; limits.

import t from 'tap'
import { goto, mov64Imm, exit } from '../../lib/bpf/isa/build.ts'
import { verifierCases } from './cases.ts'
import { array, assembled, check, INNER_MAP, profileNamed } from './support.ts'

/** the line before `processed`, of an endless loop the line that names it */
function lastLine (log: string): string | undefined {
  return log.split('\n').filter((line) => line !== '' && !/^(processed|cur state:|old state:)/.test(line)).at(-1)
}

t.test('case table', async (t) => {
  for (const { name, refusal, ...program } of verifierCases) {
    const result = check(program)
    t.same(result.ok ? null : [result.error.name, lastLine(result.log)], refusal, name)
    if (!result.ok) {
      t.match(result.log, /^processed \d+ insns \(limit 1000000\)$/m, `${name}: closing line`)
      t.equal(result.error.message, refusal?.[1] ?? '', `${name}: message`)
    }
  }
})

t.test('stricter than the kernel: constant key in an inner percpu_array', async (t) => {
  const insns = assembled(`
    r6 = 0
    *(u32 *)(r10 -4) = r6
    r2 = r10
    r2 += -4
    r1 = map[id:0]
    call 1
    if r0 == 0 goto +5
    r2 = r10
    r2 += -4
    r1 = r0
    call 1
    r0 = *(u32 *)(r0 +0)
    r0 = 0
    exit`)
  const maps = [{ type: 'hash_of_maps', inner: { type: 'percpu_array', maxEntries: 10 } }] as const
  const result = check({ insns, maps })
  t.notOk(result.ok)
  t.match(result.ok ? '' : result.error.message, /inner percpu_array.*10 entries.*may be smaller/)
  t.equal(result.ok ? 0 : result.insn, 11)
  const older = check({ insns, maps, profile: '5.10' })
  t.equal(older.ok ? '' : older.error.message, "R0 invalid mem access 'map_value_or_null'", 'a kernel without the elision asks for the check')
})

t.test('stricter than the kernel: a value that may be NULL as a buffer with a size', async (t) => {
  const text = (size: number): string => `
    r6 = *(u32 *)(r1 +16)
    *(u32 *)(r10 -4) = r6
    r2 = r10
    r2 += -4
    r1 = map[id:0]
    call 1
    r1 = r0
    r2 = ${size}
    r3 = 0
    r4 = 0
    r5 = 0
    call 28
    exit`
  const result = check({ insns: assembled(text(4)), maps: [array(8)] })
  t.match(result.ok ? 'accepted' : result.error.message, /R1 type=map_value_or_null expected=fp: the kernel takes it and reads at NULL/)
})

t.test('what is not emulated is refused and named', async (t) => {
  const refused: ReadonlyArray<readonly [text: string, type: 'xdp' | 'socket_filter', message: RegExp]> = [
    ['r0 = *(u32 *)(r1 +0)\nexit', 'socket_filter', /invalid bpf_context access off=0 size=4/],
    ['call 12\nexit', 'xdp', /helper #12 is not emulated/],
    ['r0 = 0\nmay_goto +0\nexit', 'xdp', /may_goto is not emulated/],
    ['r2 = subprog[+3]\nr0 = 0\nexit\nr0 = 1\nexit', 'xdp', /callbacks are not emulated/],
    ['r1 = map[id:0]\nr0 = *(u32 *)(r1 +80)\nexit', 'xdp', /field of struct bpf_array at off 80 size 4 is not emulated/]
  ]
  for (const [text, type, message] of refused) {
    const result = check({ insns: assembled(text), type, maps: text.includes('map[') ? [array(4)] : [] })
    t.match(result.ok ? 'accepted' : result.error.message, message, text)
  }
  const socket = check({ insns: assembled('r0 = *(u32 *)(r1 +0)\nexit'), type: 'socket_filter' })
  t.match(socket.log, /struct __sk_buff\) is not emulated/)
})

t.test('without CAP_PERFMON', async (t) => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    ['r0 = *(u64 *)(r10 -8)\nexit', 'invalid read from stack R10 off=-8 size=8'],
    ['r0 = r10\nexit', 'R0 leaks addr as return value'],
    ['r1 = map[id:0]\nr0 = *(u32 *)(r1 +76)\nexit', "'struct bpf_array' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN"]
  ]
  for (const [text, message] of cases) {
    const result = check({ insns: assembled(text), maps: text.includes('map[') ? [array(4, 4, INNER_MAP)] : [] }, { privileged: false })
    t.equal(result.ok ? 'accepted' : result.error.message, message, text)
    t.ok(check({ insns: assembled(text), maps: [array(4, 4, INNER_MAP)] }).ok, `${text}: accepted with it`)
  }
})

t.test('budget', async (t) => {
  const loop = (iterations: number): ReturnType<typeof check> =>
    check({ insns: assembled(`r0 = 0\nr0 += 1\nif r0 < ${iterations} goto -2\nexit`) }, { profile: { ...profileNamed('6.18'), limits: limitsOf(2000) } })
  const short = loop(900)
  t.equal(short.ok ? short.processed : 0, 1802)
  const long = loop(1100)
  t.same(long.ok ? null : [long.error.name, long.error.message], ['E2BIG', 'BPF program is too large. Processed 2001 insn'])
})

function limitsOf (maxInsns: number): ReturnType<typeof profileNamed>['limits'] {
  return { ...profileNamed('6.18').limits, maxInsns }
}

t.test('long programs are walked once per instruction', async (t) => {
  const insns = [...Array.from({ length: 20_000 }, (_, index) => index % 2 === 0 ? mov64Imm(0, index) : goto(0)), mov64Imm(0, 0), exit()]
  const result = check({ insns })
  t.equal(result.ok ? result.processed : 0, insns.length)
})

t.test('log', async (t) => {
  const insns = assembled('r6 = *(u32 *)(r1 +16)\nr0 = 1\nif r6 == 5 goto +1\nr0 = 2\nexit')
  const all = check({ insns }, { logLevel: 2 })
  t.equal(all.log, [
    '0: R1=ctx() R10=fp0',
    '0: (61) r6 = *(u32 *)(r1 +16)           ; R1=ctx() R6=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))',
    '1: (b7) r0 = 1                          ; R0=1',
    '2: (15) if r6 == 0x5 goto pc+1          ; R6=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))',
    '3: (b7) r0 = 2                          ; R0=2',
    '4: (95) exit',
    '',
    'from 2 to 4: R0=1 R1=ctx() R6=5 R10=fp0',
    '4: (95) exit',
    'processed 6 insns (limit 1000000)',
    ''
  ].join('\n'))
  t.equal(check({ insns }).log, 'processed 6 insns (limit 1000000)\n', 'level 0')
  const path = check({ insns: assembled('r6 = *(u32 *)(r1 +16)\nif r6 == 5 goto +2\nr0 = 2\nexit\nr0 = *(u32 *)(r6 +0)\nexit') })
  t.notMatch(path.log, /r0 = 2/, 'of a refusal only the path that led to it')
  t.match(path.log, /from 1 to 4: .*\n4: \(61\) r0 = \*\(u32 \*\)\(r6 \+0\)\nR6 invalid mem access 'scalar'\nprocessed 5 insns/)
})
