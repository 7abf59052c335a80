// `npm run openapi:write`: writes openapi.yaml anew from the routes. A test holds the committed file against them.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeApi } from './openapi-describe.ts'
import { packageRoot } from './cli/paths.ts'

writeFileSync(join(packageRoot(), 'openapi.yaml'), await describeApi())
