// Runs as schemas.

import { Type, type TSchema } from 'typebox'
import { ProblemSchema, Nullable, OneOf } from './schemas.ts'
import { runStates, type RunService } from './runs.ts'

export const RunParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9-]+$', description: 'Id of the run.' }) })

const Time = (description: string) => Type.String({ format: 'date-time', description })
const Spec = Type.Object({}, { description: 'The request with every default filled in: posting it again repeats the run.', additionalProperties: true })

export const RunPlan = Type.Object({ kind: Type.String({ description: 'Kind of run.' }), spec: Spec }, { title: 'RunPlan', description: 'What would run.', additionalProperties: false })

export const Run = Type.Object({
  id: Type.String({ description: 'Id.' }),
  kind: Type.String({ description: 'Kind of run.' }),
  state: OneOf(runStates, 'queued -> running -> succeeded | failed | cancelled (by way of cancelling) | expired (its time ran out).'),
  spec: Spec,
  revision: Type.Integer({ description: 'Revision of the desired state when it was accepted.' }),
  createdAt: Time('When it was accepted.'),
  startedAt: Nullable(Time('Time.'), 'When it began to run.'),
  finishedAt: Nullable(Time('Time.'), 'When it ended.'),
  expiresAt: Nullable(Time('Time.'), 'When it will be forgotten.'),
  progress: Nullable(Type.Object({
    done: Type.Number({ description: 'Done so far.' }),
    total: Type.Number({ description: 'To do in all.' }),
    unit: Type.String({ description: 'What is counted.' }),
    percent: Type.Number({ description: 'done in percent of total.' }),
    etaMs: Nullable(Type.Number(), 'Estimate of the time left.')
  }, { additionalProperties: false }), 'How far it is.'),
  error: Nullable(ProblemSchema, 'Why it failed.'),
  links: Type.Object({ self: Type.String(), events: Type.String(), results: Type.String(), cancel: Type.String() }, { description: 'Addresses of its parts.', additionalProperties: false })
}, { title: 'Run', description: 'A job.', additionalProperties: false })

/** Whichever of the kinds `kind` names. */
export function runBodyOf (kinds: RunService['kinds']): TSchema {
  if (kinds.length === 0) return Type.Object({ kind: Type.String({ maxLength: 40 }) }, { additionalProperties: false })
  return Type.Unsafe({
    title: 'RunBody',
    description: 'A run of one of the kinds that there are.',
    type: 'object',
    discriminator: { propertyName: 'kind' },
    oneOf: kinds.map(({ body }) => body),
    examples: kinds.flatMap(({ body }) => (body as { examples?: unknown[] }).examples ?? [])
  })
}
