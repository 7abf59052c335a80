// Packets: build, parse, check, capture files.

export * from './address.ts'
export * from './build.ts'
export * from './checksum.ts'
export * from './parse.ts'
export * from './pcap.ts'
export * from './protocols.ts'
