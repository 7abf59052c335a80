// Schemas of what is compared with dumps of a machine.

import { Type } from 'typebox'
import { tableCauses } from '../../lib/loadbalancer/index.ts'
import { limits } from './limits.ts'
import { closed, Nullable, OneOf } from './schemas.ts'

/** of what the body's own limit bounds */
const bounds = { maxLength: limits.importBodyBytes / 4, maxProperties: 1_048_576 }

const whole = (description: string) => Type.Integer({ minimum: 0, description })

export const TableComparisonRequest = Type.Object({
  // what is inside is judged by who reads it, which names the key or line
  tables: Type.Unsafe<unknown>({ type: ['object', 'string'], ...bounds, description: '`cilium-dbg bpf lb maglev list`, as JSON or as text.' }),
  services: Type.Optional(Type.Unsafe<unknown>({ type: ['array', 'object', 'string'], ...bounds, maxItems: 65_536, description: '`cilium-dbg service list` or `bpf lb list` of the same machine, as JSON or as text: which frontend has which id, and its backends. The node\'s own where left out.' })),
  backends: Type.Optional(Type.Unsafe<Record<string, string>>(Type.Object({}, {
    maxProperties: 65_536, additionalProperties: { type: 'string', maxLength: 64 }, description: 'Backend id on that machine -> `10.0.1.17:8080/TCP`. Without it only the arrangement is compared.'
  }))),
  seeds: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 16, description: 'Further seeds to try, base64; the default one and zero are tried always.' }))
}, {
  title: 'TableComparisonRequest',
  description: 'Tables of a machine, and what is known of it.',
  ...closed,
  examples: [{ tables: { '[1]/v4': ['[1 2 1 2 1 2 1]'] }, services: { '172.20.0.10:443/TCP (1)': ['10.0.1.17:8080/TCP (1) (1)'], '172.20.0.10:443/TCP (2)': ['10.0.2.33:8080/TCP (1) (2)'] } }]
})

export const TableComparison = Type.Object({
  compared: whole('Tables that were compared.'),
  differing: whole('Tables that lead some slot to another backend, or have another size.'),
  items: Type.Array(Type.Object({
    table: Type.String({ description: 'Key in the list.' }),
    frontend: Type.Object({ id: whole('revNAT id.'), address: Type.String(), port: whole('Port.'), protocol: Type.String() }, { description: 'Whose table it is.', ...closed }),
    m: whole('Slots that it has.'),
    expectedM: whole('Slots that it should have.'),
    samePicks: Type.Boolean({ description: 'Whether every slot leads to the backend that it should.' }),
    differingSlots: whole('Slots that lead to another backend than a table of its size should have there.'),
    differingShare: Type.Number({ minimum: 0, maximum: 1, description: 'The same as a share of its slots.' }),
    firstDifference: Nullable(Type.Object({
      slot: whole('The slot.'),
      expected: Nullable(Type.String(), 'The backend that should be there.'),
      found: Type.Object({ id: whole('The id that is there.'), backend: Nullable(Type.String(), 'Its backend, as far as it is known.') }, closed)
    }, closed), 'The first slot that differs.'),
    causes: Type.Array(Type.Object({ code: OneOf(tableCauses, 'The cause, for programs.'), detail: Type.String({ description: 'The same in words.' }) }, closed), {
      description: 'What together explains every slot; `unknown` where nothing that was tried does.'
    })
  }, closed)),
  notCompared: Type.Array(Type.Object({ table: Nullable(Type.String(), 'Key in the list.'), reason: Type.String() }, closed), { description: 'Tables whose frontend is not known.' })
}, { title: 'TableComparison', description: 'Tables of a machine against what its backends should give.', ...closed })
