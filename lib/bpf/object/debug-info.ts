// What .BTF.ext says about the functions of a program, moved to their places in it.

import { coreAccess, malformed, prototypeOf, typeOf } from '../btf/index.ts'
import type { Btf, BtfExt, CoreRecord, FormatResult, FunctionRecord, LineRecord } from '../btf/index.ts'
import { INSN_BYTES } from '../isa/index.ts'
import type { FunctionCode } from './functions.ts'
import type { CoreRelocation, FunctionInfo, LineInfo } from './spec.ts'

const EXT_SECTION = '.BTF.ext'

export interface Description {
  readonly functions: readonly FunctionInfo[]
  readonly lines: readonly LineInfo[]
  readonly coreRelocations: readonly CoreRelocation[]
}

/** Records of one kind, by section, ascending by offset. */
class Records<T extends { readonly offset: number }> {
  readonly #bySection: ReadonlyMap<string, readonly T[]>

  constructor (bySection: ReadonlyMap<string, readonly T[]>) {
    this.#bySection = new Map([...bySection].map(([section, records]) => [section, records.toSorted((a, b) => a.offset - b.offset)]))
  }

  /** @returns the records of a function's instructions */
  within ({ section, start, insns }: FunctionCode): T[] {
    const records = this.#bySection.get(section) ?? []
    const end = (start + insns.length) * INSN_BYTES
    const found: T[] = []
    for (let index = firstFrom(records, start * INSN_BYTES); index < records.length; index++) {
      const record = records[index] as T
      if (record.offset >= end) break
      found.push(record)
    }
    return found
  }
}

/** @returns index of the first record at `offset` or after */
function firstFrom (records: ReadonlyArray<{ readonly offset: number }>, offset: number): number {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = low + high >> 1
    if ((records[middle]?.offset ?? 0) < offset) low = middle + 1
    else high = middle
  }
  return low
}

export class DebugInfo {
  readonly #btf: Btf | undefined
  readonly #functions: Records<FunctionRecord>
  readonly #lines: Records<LineRecord>
  readonly #coreRelocations: Records<CoreRecord>

  constructor (btf: Btf | undefined, ext: BtfExt) {
    this.#btf = btf
    this.#functions = new Records(ext.functions)
    this.#lines = new Records(ext.lines)
    this.#coreRelocations = new Records(ext.coreRelocations)
  }

  /** @param layout functions of a program and their first slots in it */
  describe (layout: ReadonlyMap<FunctionCode, number>): FormatResult<Description> {
    const functions: FunctionInfo[] = []
    const lines: LineInfo[] = []
    const coreRelocations: CoreRelocation[] = []
    for (const [code, base] of layout) {
      const slotOf = ({ offset }: { readonly offset: number }): number => base + Math.floor(offset / INSN_BYTES) - code.start
      for (const record of this.#functions.within(code)) {
        const info = functionInfo(this.#btf, record, slotOf(record), code)
        if (!info.ok) return info
        functions.push(info.value)
      }
      for (const record of this.#lines.within(code)) {
        const { file, text, line, column } = record
        // as tools print it: without the indentation
        lines.push({ insn: slotOf(record), file, text: text.trimStart(), line, column })
      }
      for (const record of this.#coreRelocations.within(code)) {
        const relocation = coreRelocation(this.#btf, record, slotOf(record), code)
        if (!relocation.ok) return relocation
        coreRelocations.push(relocation.value)
      }
    }
    return { ok: true, value: { functions, lines, coreRelocations } }
  }
}

function functionInfo (btf: Btf | undefined, record: FunctionRecord, insn: number, code: FunctionCode): FormatResult<FunctionInfo> {
  const { offset, type } = record
  const func = btf === undefined ? undefined : typeOf(btf, type)
  const prototype = btf === undefined ? undefined : prototypeOf(btf, type)
  if (func?.kind !== 'func' || prototype === undefined) {
    return malformed(EXT_SECTION, offset, `${code.section}: type [${type}] of ${code.name} is no printable function`)
  }
  return { ok: true, value: { insn, name: func.name, prototype, linkage: code.hidden ? 'static' : func.linkage } }
}

function coreRelocation (btf: Btf | undefined, record: CoreRecord, insn: number, code: FunctionCode): FormatResult<CoreRelocation> {
  const { offset, type, access, kind } = record
  const found = btf === undefined ? undefined : coreAccess(btf, type, access, kind)
  if (found === undefined) return malformed(EXT_SECTION, offset, `${code.section}: ${code.name}: access ${access} does not fit type [${type}]`)
  return { ok: true, value: { insn, type: found.type, path: found.path, kind } }
}
