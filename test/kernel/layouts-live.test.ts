// compact = blob in the running kernel: verdict and bytes of 1,000 packets to each of the services at whose sizes the compact layout
// changes its shape, up to the 65,535 backends that a services entry can count.

import { fillSizedServices, serviceSizes, sizedMapEntries, sizedServicesTraffic, sizedTableSize } from '../support/sized-services.ts'
import { loadBalancer } from './support/balancer.ts'
import { kernelSuite } from './support/tally.ts'

const seed = 65_535
const packets = 1000 * serviceSizes.length
const XDP_TX = 3

await kernelSuite('layouts of one size', packets, ({ bpf, same }, t) => {
  t.comment(`seed ${seed}, M = ${sizedTableSize}, N = ${serviceSizes.join(', ')}`)
  const [blob, compact] = (['blob', 'compact'] as const).map((layout) => {
    const balancer = loadBalancer(bpf, layout, sizedTableSize, sizedMapEntries)
    fillSizedServices(balancer)
    return balancer
  })
  if (blob === undefined || compact === undefined) return
  const generator = sizedServicesTraffic(seed)
  const into = new Uint8Array(generator.maximumLength)
  for (let packet = 0; packet < packets; packet++) {
    const bytes = into.slice(0, generator.next(into, 0))
    const wanted = blob.run(bytes)
    const found = compact.run(bytes)
    const hex = Buffer.from(wanted.data).toString('hex')
    same([found.retval, Buffer.from(found.data).toString('hex')], [XDP_TX, hex], `packet ${packet}: ${hex}`)
  }
  blob.object.close()
  compact.object.close()
})
