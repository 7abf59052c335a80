// What a balancer can be told at load time, in combinations that people run, for the program and for the model.

import { dispatches, forwardings, selections } from '../../lib/datapath/index.ts'
import type { LoadTimeConstants } from '../../lib/datapath/index.ts'
import type { ModelOptions } from './balancer-model.ts'

export interface OptionSet {
  readonly name: string
  readonly model: ModelOptions
  readonly constants: Partial<LoadTimeConstants>
}

const source4 = Uint8Array.of(192, 0, 2, 1)
const source6 = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)

const models: Readonly<Record<string, ModelOptions>> = {
  'nothing remembered': {},
  'fragments not tracked': { fragments: false },
  'up to 1.16': { upTo116: true },
  'half of the table': { halfTable: true },
  random: { selection: 'random', conntrack: true },
  'maglev, or as services say': { selection: 'maglev-or-said' },
  'random, or as services say': { selection: 'random-or-said', conntrack: true },
  remembered: { conntrack: true },
  'remembered up to 1.16': { conntrack: true, upTo116: true },
  'remembered, over at once': { conntrack: true, timeouts: { tcp: 0, syn: 0, closing: 0, any: 0 } },
  'remembered, closing over at once': { conntrack: true, timeouts: { tcp: 8000, syn: 60, closing: 0, any: 60 } },
  'direct return': { forwarding: 'direct-return' },
  'direct return, remembered': { forwarding: 'direct-return', conntrack: true },
  'direct return inside another packet': { forwarding: 'direct-return', ipip: true },
  'inside another packet from the node, remembered': { forwarding: 'direct-return', ipip: true, conntrack: true, source4, source6 },
  'hybrid, remembered': { forwarding: 'hybrid', conntrack: true },
  'from pods': { selection: 'random', eastWest: true },
  'from pods, remembered': { selection: 'random', eastWest: true, conntrack: true },
  'as services say, remembered': { forwarding: 'as-said', conntrack: true, selection: 'maglev-or-said' }
}

export const optionSets: readonly OptionSet[] = Object.entries(models)
  .map(([name, model]) => ({ name, model, constants: constantsOf(model) }))

function constantsOf (model: ModelOptions): Partial<LoadTimeConstants> {
  const { selection = 'maglev', forwarding = 'translated', ipip = false, fragments = true, timeouts } = model
  return {
    selection: selections.indexOf(selection),
    upTo116: model.upTo116 === true ? 1 : 0,
    halfTable: model.halfTable === true ? 1 : 0,
    fragments4: fragments ? 1 : 0,
    fragments6: fragments ? 1 : 0,
    conntrack: model.conntrack === true ? 1 : 0,
    forwarding: forwardings.indexOf(forwarding),
    eastWest: model.eastWest === true ? 1 : 0,
    dispatch: dispatches.indexOf(ipip ? 'ipip' : 'option'),
    ...(timeouts === undefined
      ? {}
      : {
          ctTimeoutTcp: timeouts.tcp, ctTimeoutSyn: timeouts.syn, ctTimeoutClosing: timeouts.closing, ctTimeoutAny: timeouts.any
        }),
    ...(model.source4 === undefined ? {} : { directRouting4: model.source4 }),
    ...(model.source6 === undefined ? {} : { directRouting6: model.source6 })
  }
}
