// How a flow came to its backend, a line for each thing that the program met.

import type { LookupExplanation } from '../../lib/sim/types.ts'

export function explanationText (explanation: LookupExplanation): string {
  const { frontend, connection, affinity, draw, hash, hashInputs, slot, ended } = explanation
  const lines: Array<readonly [name: string, text: string]> = []
  const say = <T> (name: string, value: T | null, text: (value: T) => string): void => {
    if (value !== null) lines.push([name, text(value)])
  }
  lines.push(['frontend', frontend === null
    ? 'none'
    : `${frontend.service.namespace}/${frontend.service.name}, revNAT id ${frontend.id}${frontend.scope === 'internal' ? ', internal scope' : ''}`])
  say('connection', connection, ({ state, backendId, endsInSeconds }) =>
    backendId === null ? state : `${state}, with backend ${backendId}, ends in ${endsInSeconds ?? 0} s`)
  say('affinity', affinity, ({ timeoutSeconds, backendId, endsInMs }) =>
    backendId === null ? `for ${timeoutSeconds} s, none yet` : `with backend ${backendId}, ends in ${endsInMs ?? 0} ms`)
  say('hash', hashInputs, ({ source, sourcePort, destinationPort, protocol, seed, portOrder }) =>
    `${hash ?? ''} of ${source}, ports ${sourcePort} and ${destinationPort} (${portOrder}), protocol ${protocol}, seed ${seed}`)
  say('slot', slot, ({ m, index, backendId, outer }) =>
    `${index} of ${m}${outer === null ? '' : ` in map ${outer.mapId}, under ${outer.key} of the outer map`}: backend ${backendId ?? 'none'}`)
  say('draw', draw, (drawn) => `slot ${drawn.slot} of ${drawn.of}: backend ${drawn.backendId ?? 'none'}`)
  say('ended', ended, ({ step, code, text }) => `${text} (${step}${code === null ? '' : `, ${code}`})`)
  return lines.map(([name, text]) => `  ${name.padEnd(10)}  ${text}\n`).join('')
}
