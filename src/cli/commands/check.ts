// `maglev-sim check`: a gate for CI over manifests and the configuration of Cilium.

import { command, wordList } from '../command.ts'
import { BadInput, Failure } from '../failures.ts'
import { check } from '../check/findings.ts'
import { defaultConfig, readConfig } from '../check/config.ts'
import { asSarif, asText } from '../check/forms.ts'
import { parseLimits } from '../check/limits.ts'
import { readManifests } from '../check/manifests.ts'
import { callerPath, packageVersion } from '../paths.ts'
import { createProcessSimulator } from '../../simulator.ts'

export default command({
  name: 'check',
  description: 'Check manifests and Cilium\'s configuration: maps that do not hold them, limits exceeded, settings without effect (needs no server)',
  args: {
    files: { type: 'string', alias: 'f', description: 'Folder or file of manifests; folders are searched for .yaml, .yml and .json', valueHint: 'PATH' },
    config: { type: 'string', description: 'Helm values, the ConfigMap cilium-config, or options by their names', valueHint: 'FILE' },
    max: { type: 'string', description: 'Limits, such as memory=64MiB,pressure=0.8,convergence=30s,disruption=0.02', valueHint: 'LIMITS' },
    'node-addresses': { type: 'string', description: 'Addresses of a node, with commas, beside those of Node objects', valueHint: 'ADDRESSES' },
    strict: { type: 'boolean', description: 'Let warnings fail too', default: false },
    notes: { type: 'boolean', description: 'Print notes too: what is as Cilium has it, but surprises', default: false },
    json: { type: 'boolean', description: 'Print JSON', default: false },
    sarif: { type: 'boolean', description: 'Print SARIF 2.1.0', default: false }
  },
  rest: '[PATH...]',
  notes: ['Exit code 0: nothing beyond the limits; 1: there is; 2: something cannot be read, or Cilium would refuse it.', 'For instance: maglev-sim check -f manifests --config values.yaml --max memory=64MiB,pressure=0.8'],
  run (args, words) {
    const paths = [...(args.files === undefined ? [] : [args.files]), ...words]
    if (paths.length === 0) throw new BadInput('name a folder or file of manifests with -f')
    if (args.json && args.sarif) throw new BadInput('--json and --sarif are two forms: give one')
    const cwd = callerPath('.')
    const result = check({
      documents: readManifests(paths.map((path) => callerPath(path)), cwd),
      config: args.config === undefined ? defaultConfig() : readConfig(args.config, callerPath(args.config)),
      configFile: args.config ?? null,
      nodeAddresses: wordList(args['node-addresses']) ?? [],
      limits: parseLimits(args.max ?? ''),
      simulator: (settings) => createProcessSimulator({ nodes: [settings], programs: 'when-needed' })
    })
    process.stdout.write(args.json ? `${JSON.stringify(result)}\n` : args.sarif ? `${JSON.stringify(asSarif(result, packageVersion()))}\n` : asText(result, args.notes))
    const failing = result.findings.filter(({ level }) => level === 'error' || (args.strict && level === 'warning')).length
    if (failing > 0) throw new Failure(`${failing} finding${failing === 1 ? '' : 's'} beyond what is allowed`)
  }
})
