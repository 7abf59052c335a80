// /openapi.yaml and /openapi.json: the API document.

import { Type } from 'typebox'
import { stringify } from 'yaml'
import { answer } from './support/answers.ts'
import type { Route } from './support/context.ts'

const tags = ['service']

export const documentAsYaml = (document: object): string => stringify(document, { aliasDuplicateObjects: false, lineWidth: 140 })

export const openapi: Route = async (app) => {
  app.get('/openapi.yaml', {
    config: { anyFormat: true },
    schema: {
      operationId: 'getOpenapiYaml',
      tags,
      summary: 'This document, as YAML',
      response: { 200: answer('OpenAPI 3.1.', { 'application/yaml': Type.String({ description: 'YAML.' }) }) }
    }
  }, async (_request, reply) => reply.type('application/yaml; charset=utf-8').send(documentAsYaml(app.swagger())))

  app.get('/openapi.json', {
    config: { anyFormat: true },
    schema: {
      operationId: 'getOpenapiJson',
      tags,
      summary: 'This document, as JSON',
      response: { 200: answer('OpenAPI 3.1.', { 'application/json': Type.Object({}, { description: 'The document.', additionalProperties: true }) }) }
    }
  }, async () => app.swagger())
}
