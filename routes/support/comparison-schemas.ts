// Schemas of what two nodes are compared by.

import { Type } from 'typebox'
import { comparisonCauseCodes } from '../../lib/sim/comparison-causes.ts'
import { comparisonLimits } from '../../lib/sim/comparison.ts'
import { limits } from './limits.ts'
import { closed, NodeCreation, NodeName, NodeSettings, Nullable, OneOf, ServiceSpec } from './schemas.ts'

const { name, ...settings } = NodeCreation.properties
const Mix = Type.String({ minLength: 3, maxLength: limits.mixLength, description: 'Services by their sizes, instead of the cluster\'s: `<services>x<backends>`, with commas.', examples: ['700x3,200x10'] })

const { minLength, maxLength, pattern } = NodeName as unknown as Record<string, unknown>
const { type: object, ...sideSettings } = Type.Object({
  node: Type.Optional(NodeName),
  ...settings,
  services: Type.Optional(Type.Array(ServiceSpec, { maxItems: comparisonLimits.services, description: 'Services that take the place of those of the same names, to ask what other backends move.' })),
  mix: Type.Optional(Mix)
}, closed)

// a name or an object in one: defaults of what is in it would be ignored below an anyOf
const Side = (what: string) => Type.Unsafe<unknown>({
  ...sideSettings, minLength, maxLength, pattern, type: ['string', 'object'], description: `${what}: the name of a node, or what makes one; settings that are left out are those of \`node\`, which is \`cilium\` unless said.`
})

export const ComparisonRequest = Type.Object({
  a: Side('Before, or one node'),
  b: Side('After, or the other node'),
  flows: Type.Optional(Type.Object({
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: comparisonLimits.flows, description: 'Flows that go through both programs; 20000 where left out.' })),
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 0xffffffff, description: 'Seed of the flows.' }))
  }, { description: 'Flows to the frontends that both have, each as likely as the others.', ...closed })),
  mix: Type.Optional(Mix),
  worst: Type.Optional(Type.Integer({ minimum: 0, maximum: comparisonLimits.worst, description: 'Frontends that move most to list; 10 where left out.' }))
}, {
  title: 'ComparisonRequest',
  description: 'Two nodes, and flows to ask them with.',
  ...closed,
  examples: [{ a: { tableSizePolicy: { fixed: 1021 } }, b: { tableSizePolicy: { fixed: 2039 } }, mix: '7x3,2x10', flows: { count: 1000, seed: 1 } }]
})

const count = (description: string) => Type.Integer({ minimum: 0, description })
const share = (description: string) => Type.Number({ minimum: 0, maximum: 1, description })
const moved = { moved: count('Flows that go to another backend.'), movedShare: share('The same as a share.') }
const TableOfSide = Type.Object({ m: count('Slots.'), backends: count('Backends in it.') }, closed)

export const Comparison = Type.Object({
  revision: count('Revision of the desired state that was compared.'),
  a: NodeSettings,
  b: NodeSettings,
  services: Type.Object({ made: count('Services that were compared.'), of: count('Services that there are.') }, { description: 'Of very many only some.', ...closed }),
  frontends: Type.Object({
    compared: count('That new flows come through on both sides: by a table, or at random.'), onlyA: count('On a only.'), onlyB: count('On b only.'), differing: count('That lead elsewhere.')
  }, { description: 'Frontends.', ...closed }),
  slots: Type.Object({ differingShare: share('Mean over the frontends.'), from: OneOf(['measured', 'computed'], '`computed` where tables have two sizes, or backends are picked at random: the share of new flows by the chance that each backend has.') }, { description: 'Slots that lead to another backend.', ...closed }),
  newFlows: Type.Object({ count: count('Flows.'), seed: count('Their seed.'), ...moved }, { description: 'Flows that nobody knows, through the programs of both.', ...closed }),
  establishedFlows: Type.Object({
    count: count('Flows that a sent to a backend.'),
    sameMachine: Type.Object({ ...moved, draining: count('Kept on a backend that takes no new flows.') }, { description: 'b takes the place of a on the same machine, whose conntrack entries stay: flows move whose backend is gone. By rule, whatever `conntrack` of a and b says.', ...closed }),
    otherMachine: Type.Object(moved, { description: 'Another machine takes them, whose conntrack does not know them: they move as new flows do.', ...closed })
  }, { description: 'Flows that there were before, on machines that remember connections as every Cilium agent does. `conntrack` of a and b is false because the flows are put to the programs as new ones.', ...closed }),
  worst: Type.Array(Type.Object({
    service: Type.Object({ namespace: Type.String(), name: Type.String() }, { description: 'The service.', ...closed }),
    address: Type.String(),
    port: count('Port.'),
    protocol: Type.String(),
    a: Nullable(TableOfSide, 'Its table on a; null: a backend is picked at random.'),
    b: Nullable(TableOfSide, 'Its table on b; null: a backend is picked at random.'),
    slotsShare: share('Of new flows, by the tables alone.'),
    flows: count('Flows to it.'),
    movedFlows: count('Those that went to another backend.')
  }, closed), { description: 'Frontends that move most, most first.' }),
  causes: Type.Array(Type.Object({ code: OneOf(comparisonCauseCodes, 'The cause, for programs.'), detail: Type.String({ description: 'The same in words.' }) }, closed), { description: 'Why; empty where nothing differs that would move a flow.' }),
  notes: Type.Array(Type.String())
}, { title: 'Comparison', description: 'What moves between two nodes.', ...closed })
