// The datapath's structs, reasons and objects as TypeScript knows them, held against the C source and the compiled objects.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import {
  affinityMatchMapName, constantsMapName, datapathLayouts, decodeBackendValue, defaultConstants, decodeLoadTimeConstants,
  decodeReverseNatValue, decodeRevNatId, decodeServiceKey, decodeServiceValue, decodeU32, encodeBackendValue,
  encodeLoadTimeConstants, encodeReverseNatValue, encodeRevNatId, encodeServiceKey, encodeServiceValue, encodeU32, frontendWord,
  mapNames, metricsMapName, objectFile, programName, reasons, splitFrontendWord, sumCounters, xdpVerdicts
} from '../../lib/datapath/index.ts'
import type { LoadTimeConstants } from '../../lib/datapath/index.ts'
import { defaultSeed } from '../../lib/maglev/index.ts'
import { parseAddress } from '../../lib/packet/index.ts'
import { flowHash } from '../support/model-packets.ts'

const folder = join(import.meta.dirname, '../../lib/datapath')
const runs = { seed: 4711, numRuns: 200 }
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const object = (layout: typeof datapathLayouts[number]): Buffer => readFileSync(join(folder, objectFile(layout)))

console.log(`# seed ${runs.seed}`)

t.test('outcomes of the program and reasons here are the same', async (t) => {
  const body = /enum outcome \{([^}]*)\}/.exec(readFileSync(join(folder, 'outcomes.h'), 'utf8'))?.[1] ?? ''
  const enumerators = body.replace(/\/\/.*$/gm, '').split(',').map((name) => name.trim()).filter((name) => name !== '')
  const words = { XDP_TX: 'FORWARDED', XDP_PASS: 'PASSED', XDP_DROP: 'DROPPED' }
  t.same(enumerators, [...reasons.map(({ name, verdict }) => `${words[verdict]}_${name.toUpperCase()}`), 'OUTCOMES'])
  reasons.forEach(({ index, verdict, code }, at) => {
    t.equal(index, at)
    t.equal(code !== null, verdict === 'XDP_DROP', 'dropped packets have a code')
  })
  t.equal(new Set(reasons.map(({ name }) => name)).size, reasons.length)
  t.equal(new Set(reasons.map(({ text }) => text)).size, reasons.length)
  t.equal(xdpVerdicts.indexOf('XDP_TX'), 3)
})

t.test('structs, byte for byte', async (t) => {
  const v4 = Uint8Array.of(172, 20, 0, 10)
  const v6 = Uint8Array.from({ length: 16 }, (_, index) => 0xf0 + index)
  t.equal(hex(encodeServiceKey({ address: v4, port: 443, slot: 2, protocol: 6, scope: 1 })),
    'ac14000a' + '01bb' + '0200' + '06' + '01' + '0000')
  t.equal(hex(encodeServiceKey({ address: v6, port: 443, slot: 258, protocol: 17, scope: 0 })),
    hex(v6) + '01bb' + '0201' + '11' + '00' + '0000')
  t.equal(hex(encodeServiceValue({ word: frontendWord(2, 10800), count: 3, revNatId: 5, flags: 0x60, flags2: 1, quarantinedCount: 4 })),
    '302a0002' + '0300' + '0005' + '60' + '01' + '0400')
  t.equal(hex(encodeBackendValue({ address: v4, port: 8080, protocol: 6, flags: 1, clusterId: 258, zone: 7 })),
    'ac14000a' + '1f90' + '06' + '01' + '0201' + '07' + '00')
  t.equal(hex(encodeBackendValue({ address: v6, port: 8080, protocol: 6, flags: 0, clusterId: 0, zone: 0 })),
    hex(v6) + '1f90' + '06' + '00' + '00000000')
  t.equal(hex(encodeReverseNatValue({ address: v4, port: 443 })), 'ac14000a' + '01bb')
  t.equal(hex(encodeReverseNatValue({ address: v6, port: 443 })), hex(v6) + '01bb')
  t.equal(hex(encodeRevNatId(13)), '000d')
  t.equal(hex(encodeU32(0x01020304)), '04030201')
  t.equal(sumCounters(Buffer.from('0100000000000000' + 'ffffffff01000000', 'hex')), 1 + 0x1ffffffff)
})

t.test('decoding is the inverse of encoding', async () => {
  const u8 = fc.nat(0xff)
  const u16 = fc.nat(0xffff)
  const u32 = fc.nat(0xffffffff)
  const address = fc.constantFrom(4, 16).chain((length) => fc.uint8Array({ minLength: length, maxLength: length }))
  function inverse<T> (values: fc.Arbitrary<T>, encode: (value: T) => Uint8Array, decode: (bytes: Uint8Array) => T): void {
    fc.assert(fc.property(values, (value) => {
      const bytes = encode(value)
      // also from the middle of a larger buffer
      const shifted = new Uint8Array(bytes.length + 3)
      shifted.set(bytes, 3)
      return JSON.stringify(decode(shifted.subarray(3))) === JSON.stringify(value)
    }), runs)
  }
  inverse(fc.record({ address, port: u16, slot: u16, protocol: u8, scope: u8 }), encodeServiceKey, decodeServiceKey)
  inverse(fc.record({ word: u32, count: u16, revNatId: u16, flags: u8, flags2: u8, quarantinedCount: u16 }),
    encodeServiceValue, decodeServiceValue)
  inverse(fc.record({ address, port: u16, protocol: u8, flags: u8, clusterId: u16, zone: u8 }),
    encodeBackendValue, decodeBackendValue)
  inverse(fc.record({ address, port: u16 }), encodeReverseNatValue, decodeReverseNatValue)
  inverse(fc.record({
    ...Object.fromEntries(Object.keys(defaultConstants).map((name) => [name, u32])) as Record<keyof LoadTimeConstants, typeof u32>,
    directRouting4: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    directRouting6: fc.uint8Array({ minLength: 16, maxLength: 16 })
  }), encodeLoadTimeConstants, decodeLoadTimeConstants)
  inverse(u16, encodeRevNatId, decodeRevNatId)
  inverse(u32, encodeU32, decodeU32)
  fc.assert(fc.property(u8, fc.nat(0xffffff), (algorithm, seconds) => {
    const split = splitFrontendWord(frontendWord(algorithm, seconds))
    return split.algorithm === algorithm && split.affinityTimeoutSeconds === seconds
  }), runs)
})

/** what an object's symbol table says: name -> section name and offset */
function symbolsOf (elf: Buffer): Map<string, { section: string, value: number, size: number }> {
  const sectionAt = Number(elf.readBigUInt64LE(40))
  const count = elf.readUInt16LE(60)
  const sections = Array.from({ length: count }, (_, index) => {
    const at = sectionAt + 64 * index
    return {
      name: elf.readUInt32LE(at),
      type: elf.readUInt32LE(at + 4),
      offset: Number(elf.readBigUInt64LE(at + 24)),
      size: Number(elf.readBigUInt64LE(at + 32)),
      link: elf.readUInt32LE(at + 40)
    }
  })
  const text = (table: number, offset: number): string => {
    const start = (sections[table]?.offset ?? 0) + offset
    return elf.toString('latin1', start, elf.indexOf(0, start))
  }
  const symbols = new Map<string, { section: string, value: number, size: number }>()
  const table = sections.find(({ type }) => type === 2)
  for (let at = table?.offset ?? 0; at < (table?.offset ?? 0) + (table?.size ?? 0); at += 24) {
    const section = sections[elf.readUInt16LE(at + 6)]
    if (section === undefined) continue
    symbols.set(text(table?.link ?? 0, elf.readUInt32LE(at)), {
      section: text(elf.readUInt16LE(62), section.name),
      value: Number(elf.readBigUInt64LE(at + 8)),
      size: Number(elf.readBigUInt64LE(at + 16))
    })
  }
  return symbols
}

t.test('the objects hold what their names here say', async (t) => {
  for (const layout of datapathLayouts) {
    const symbols = symbolsOf(object(layout))
    t.equal(symbols.get(programName)?.section, 'xdp')
    const maps = [...Object.values(mapNames).flatMap((families) => Object.values(families)), affinityMatchMapName, metricsMapName]
    for (const name of maps) t.equal(symbols.get(name)?.section, '.maps', `${layout}: ${name}`)
    t.equal([...symbols.values()].filter(({ section }) => section === '.maps').length, maps.length, 'no further map')
    const constants = [
      'hash_init4_seed', 'hash_init6_seed', 'lb_maglev_lut_size', 'lb_selection', 'lb_release', 'lb_half_table', 'enable_fragments4',
      'enable_fragments6', 'enable_conntrack', 'lb_forwarding', 'lb_dispatch', 'lb_east_west', 'ct_timeout_tcp', 'ct_timeout_syn', 'ct_timeout_closing',
      'ct_timeout_any', 'direct_routing_ipv4', 'direct_routing_ipv6'
    ]
    t.same(constants.map((name) => symbols.get(name)), constants.map((name, index) =>
      ({ section: '.rodata', value: index * 4, size: name === 'direct_routing_ipv6' ? 16 : 4 })))
    t.equal(constantsMapName, 'balancer.rodata')
    const defaults = encodeLoadTimeConstants(defaultConstants)
    t.ok(object(layout).includes(Buffer.from(defaults)), 'Cilium\'s default seed and table size')
  }
})

t.test('the model of the balancer hashes flows as Cilium does', async (t) => {
  const { flows } = JSON.parse(readFileSync(join(import.meta.dirname, 'flow-vectors.json'), 'utf8')) as {
    flows: Array<{ source: string, sourcePort: number, destinationPort: number, protocol: number, m: number, hash: number, index: number }>
  }
  const { jhash4, jhash6 } = defaultSeed()
  t.ok(flows.length >= 40)
  for (const { source, sourcePort, destinationPort, protocol, m, hash, index } of flows) {
    const address = parseAddress(source) ?? new Uint8Array(4)
    const found = flowHash(address, sourcePort, destinationPort, protocol, address.length === 4 ? jhash4 : jhash6)
    t.same([found, found % m], [hash, index], `${source}:${sourcePort} to ${destinationPort}/${protocol}`)
  }
})
