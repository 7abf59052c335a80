// What a load test sends: flows over the frontends that the service under test has, made from a seed, and the request
// bodies made of them. Bodies are serialised before the clock starts and then sent in turn.

import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import type { FlowSpec, FrontendView } from '../../../lib/sim/types.ts'

export type Target = Pick<FrontendView, 'address' | 'port' | 'protocol'>

/** enough different bodies that no cache below sees one body only, few enough to stay small */
const maximumBodies = 256

export interface BodyPlan {
  readonly targets: readonly Target[]
  readonly flowsPerRequest: number
  /** distinct flows over all bodies */
  readonly flows: number
  readonly nodes?: readonly string[]
  readonly seed: number
}

export function planBodies (plan: BodyPlan): string[] {
  const random = xoroshiro128plus(plan.seed)
  const draw = (to: number): number => uniformInt(random, 0, to)
  const pool = Array.from({ length: plan.flows }, (_, index) => flowTo(plan.targets[index % plan.targets.length] as Target, draw))
  const bodies = Math.min(maximumBodies, Math.max(1, Math.ceil(plan.flows / plan.flowsPerRequest)))
  return Array.from({ length: bodies }, (_, body) => {
    const flows = Array.from({ length: plan.flowsPerRequest }, (_, index) => pool[(body * plan.flowsPerRequest + index) % pool.length])
    return JSON.stringify({ ...(plan.nodes === undefined ? {} : { nodes: plan.nodes }), flows })
  })
}

/** Clients come from the documentation and benchmarking ranges, so that no real address appears in a log. */
function flowTo (target: Target, draw: (to: number) => number): FlowSpec {
  const source = target.address.includes(':')
    ? `2001:db8:${draw(0xffff).toString(16)}::${(draw(0xfffe) + 1).toString(16)}`
    : `198.${18 + draw(1)}.${draw(255)}.${draw(253) + 1}`
  return { source, sourcePort: 1024 + draw(64511), destination: target.address, destinationPort: target.port, protocol: target.protocol }
}
