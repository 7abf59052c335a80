// Addresses, checksums, packets and capture files: what is built is what is read, checksums hold, and known packets come
// out byte for byte.

import fc from 'fast-check'
import t from 'tap'
import {
  addWords, buildFlowPacket, buildPacket, crc32c, finishChecksum, formatAddress, ipProtocols, parseAddress, parsePacket, parsePrefix,
  readCapture, verifyChecksums, writeCapture
} from '../../lib/packet/index.ts'
import type { PacketSpec } from '../../lib/packet/index.ts'

const seed = 20201011
const runs = { seed, numRuns: 300 }
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytesOf = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const address = (text: string): Uint8Array => parseAddress(text) ?? t.bailout(text) as never

console.log(`# seed ${seed}`)

t.test('addresses in canonical form', async (t) => {
  const forms: ReadonlyArray<readonly [string, string]> = [
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], // the first of two runs alike
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'], // the longer run
    ['fd00:0:0:1:0:0:0:1', 'fd00:0:0:1::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'], // a single group stays
    ['1:2:3:4:5:6:0:8', '1:2:3:4:5:6:0:8'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['::ffff:0a00:0001', '::ffff:10.0.0.1'],
    ['0:0:1::', '0:0:1::'],
    ['10.0.0.1', '10.0.0.1']
  ]
  for (const [text, canonical] of forms) t.equal(formatAddress(address(text)), canonical, text)

  const none = ['', '10.1', '010.0.0.1', '256.0.0.1', '1.2.3.4 ', '0x1.2.3.4', 'fe80::1%eth0', '1::2::3', ':1', '::ffff:1.2.3.04', '::00001', 'a.b.c.d']
  for (const text of none) t.equal(parseAddress(text), null, `"${text}" is none`)
})

t.test('text and bytes of an address are inverses', async () => {
  fc.assert(fc.property(fc.oneof(bytesOf(4), bytesOf(16)), (bytes) => hex(address(formatAddress(bytes))) === hex(bytes)), runs)
  fc.assert(fc.property(fc.ipV6(), (text) => formatAddress(address(formatAddress(address(text)))) === formatAddress(address(text))), runs)
})

t.test('prefixes', async (t) => {
  t.same(parsePrefix('198.19.1.2/15'), { address: address('198.18.0.0'), length: 15 })
  t.same(parsePrefix('2001:db8:ffff::/33'), { address: address('2001:db8:8000::'), length: 33 })
  t.same(parsePrefix('10.0.0.1'), { address: address('10.0.0.1'), length: 32 })
  for (const text of ['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', '10.0.0.0/08', 'x/8']) t.equal(parsePrefix(text), null, text)
})

t.test('checksums known from elsewhere', async (t) => {
  // RFC 1071, section 3: the sum of these words is ddf2
  t.equal(finishChecksum(addWords(0, Buffer.from('0001f203f4f5f6f7', 'hex'))), ~0xddf2 & 0xffff)
  t.equal(finishChecksum(addWords(0, Uint8Array.of(0x12))), ~0x1200 & 0xffff, 'an odd byte is the upper half')
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
})

t.test('the first packets of flows', async (t) => {
  const flow = { source: '192.0.2.10', sourcePort: 51000, destination: '172.20.0.10', destinationPort: 443 } as const
  const ipv6 = { ...flow, source: '2001:db8::1', destination: 'fd00::1' }
  const ethernet = '020000000002' + '020000000001'
  const wanted = [
    [{ ...flow, protocol: 'TCP' }, '0800' + '45000028000040004006cca7c000020aac14000a' + 'c73801bb00000000000000005002ffff78c60000'],
    [{ ...flow, protocol: 'UDP' }, '0800' + '4500001c000040004011cca8c000020aac14000a' + 'c73801bb0008c8c1'],
    [{ ...flow, protocol: 'SCTP' }, '0800' + '45000020000040004084cc31c000020aac14000a' + 'c73801bb00000000ffafad09'],
    [{ ...ipv6, protocol: 'UDP' }, '86dd' + '6000000000081140' + '20010db8000000000000000000000001' +
      'fd000000000000000000000000000001' + 'c73801bb00080c2f']
  ] as const
  for (const [description, packet] of wanted) {
    const built = buildFlowPacket(description)
    t.equal(built.ok && hex(built.packet), ethernet + packet, description.protocol)
    if (description.protocol !== 'SCTP') t.equal(built.ok && verifyChecksums(built.packet).transport, true)
  }
})

t.test('flows that are none say which member is wrong', async (t) => {
  const flow = { source: '192.0.2.10', sourcePort: 51000, destination: '172.20.0.10', destinationPort: 443, protocol: 'TCP' } as const
  const wrong = [
    [{ ...flow, source: '192.0.2' }, 'source'],
    [{ ...flow, destination: '' }, 'destination'],
    [{ ...flow, destination: 'fd00::1' }, 'destination'],
    [{ ...flow, sourcePort: 65536 }, 'sourcePort'],
    [{ ...flow, destinationPort: 1.5 }, 'destinationPort'],
    [{ ...flow, protocol: 'toString' as 'TCP' }, 'protocol']
  ] as const
  for (const [description, member] of wrong) {
    const result = buildFlowPacket(description)
    t.equal(result.ok ? null : result.member, member)
  }
})

/** any packet the builder can make with a TCP or UDP header */
const specs: fc.Arbitrary<PacketSpec> = fc.constantFrom(4, 16).chain((length) => fc.record({
  source: bytesOf(length),
  destination: bytesOf(length),
  protocol: fc.constantFrom(ipProtocols.tcp, ipProtocols.udp),
  sourcePort: fc.nat(0xffff),
  destinationPort: fc.nat(0xffff),
  payload: fc.uint8Array({ maxLength: 40 }),
  vlans: fc.array(fc.record({ id: fc.nat(4095), type: fc.constantFrom(0x8100, 0x88a8) }), { maxLength: 3 }),
  ttl: fc.integer({ min: 1, max: 255 }),
  ipv4Options: fc.nat(10).chain((words) => bytesOf(words * 4))
}))

t.test('what is built is what is parsed, with right checksums', async () => {
  fc.assert(fc.property(specs, (spec) => {
    const bytes = buildPacket(spec)
    const { vlans, network, transport } = parsePacket(bytes)
    const verdict = verifyChecksums(bytes)
    return hex(network?.source ?? bytes) === hex(spec.source) && hex(network?.destination ?? bytes) === hex(spec.destination) &&
      network?.protocol === spec.protocol && network.ttl === spec.ttl && !network.isFragment &&
      transport?.sourcePort === spec.sourcePort && transport?.destinationPort === spec.destinationPort &&
      vlans.join() === spec.vlans?.map(({ id }) => id).join() &&
      verdict.network !== false && verdict.transport === true
  }), runs)
})

t.test('one changed bit makes a checksum wrong', async () => {
  fc.assert(fc.property(specs, fc.nat(), (spec, choice) => {
    const bytes = buildPacket({ ...spec, protocol: ipProtocols.tcp })
    const { network } = parsePacket(bytes)
    const start = network?.offset ?? 0
    // address bytes, covered by both checksums in IPv4 and by the transport's in IPv6
    const at = start + (spec.source.length === 4 ? 12 + choice % 8 : 8 + choice % 32)
    bytes[at] = (bytes[at] as number) ^ (1 << choice % 8)
    return verifyChecksums(bytes).transport === false
  }), runs)
})

t.test('no cut of a packet is too short to parse', async (t) => {
  const bytes = buildPacket({ source: address('::1'), destination: address('::2'), protocol: 17, vlans: [{ id: 5 }] })
  for (let length = 0; length < bytes.length; length++) t.equal(parsePacket(bytes.subarray(0, length)).transport, null)
  t.equal(parsePacket(bytes.subarray(0, 13)).etherType, null)
  t.equal(parsePacket(bytes.subarray(0, 14)).etherType, 0x8100, 'a tag that is not there stays unread')
})

t.test('fragments and other headers', async (t) => {
  const base = { source: address('10.0.0.1'), destination: address('10.0.0.2'), protocol: 6 }
  const first = parsePacket(buildPacket({ ...base, fragment: { offset: 0, more: true } }))
  t.same([first.network?.isFragment, first.transport], [true, null])
  t.equal(parsePacket(buildPacket({ ...base, fragment: { offset: 1480, more: false } })).network?.isFragment, true)
  t.equal(parsePacket(buildPacket({ ...base, protocol: 1 })).transport, null)
  t.equal(verifyChecksums(buildPacket({ ...base, transportChecksum: 'wrong' })).transport, false)
  t.equal(verifyChecksums(buildPacket({ ...base, protocol: 17, transportChecksum: 'none' })).transport, null)
})

t.test('capture files', async (t) => {
  const packet = fc.record({
    timestampSeconds: fc.nat(0xffffffff),
    timestampNanoseconds: fc.nat(999_999).map((us) => us * 1000),
    bytes: fc.uint8Array({ maxLength: 80 }),
    originalLength: fc.nat(65535)
  })
  fc.assert(fc.property(fc.array(packet, { maxLength: 8 }), (packets) => {
    const read = readCapture(writeCapture({ linkType: 1, packets }), 8)
    return read.ok && JSON.stringify(read.capture) === JSON.stringify({ linkType: 1, packets })
  }), runs)
  // anything else is a failure with a place in the file, never an exception
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, magic) => {
    if (magic && bytes.length > 4) bytes.set([0xa1, 0xb2, 0x3c, 0x4d])
    const read = readCapture(bytes, 3)
    return read.ok || (read.offset <= bytes.length && read.message.length > 0)
  }), runs)
})

t.test('capture files of other writers', async (t) => {
  const bigEndianNanoseconds = Buffer.from('a1b23c4d' + '00020004' + '00000000'.repeat(2) + '0000ffff' + '00000001' +
    '5f833480' + '00000007' + '00000002' + '0000003c' + 'beef', 'hex')
  const read = readCapture(bigEndianNanoseconds, 10)
  t.same(read.ok && read.capture, {
    linkType: 1,
    packets: [{ timestampSeconds: 0x5f833480, timestampNanoseconds: 7, bytes: Uint8Array.of(0xbe, 0xef), originalLength: 60 }]
  })
  const problem = (bytes: Uint8Array, maximum = 10): unknown => {
    const result = readCapture(bytes, maximum)
    return result.ok ? 'read' : [result.offset, result.message]
  }
  t.same(problem(bigEndianNanoseconds.subarray(0, 41)), [24, 'the file ends inside a packet'])
  t.same(problem(bigEndianNanoseconds.subarray(0, 30)), [24, 'the file ends inside a packet header'])
  t.same(problem(bigEndianNanoseconds, 0), [24, 'the file holds more than 0 packets'])
  t.same(problem(Buffer.concat([Buffer.from('0a0d0d0a', 'hex'), Buffer.alloc(40)])), [0, 'the file is pcapng, only classic pcap is read'])
  t.same(problem(Buffer.alloc(24)), [0, 'the file does not begin with a pcap magic number'])
})
