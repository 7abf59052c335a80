// `maglev-sim check`: a gate for CI over manifests and the configuration of Cilium.

import { command, wordList } from '../command.ts'
import { BadInput, Failure } from '../failures.ts'
import { check } from '../check/findings.ts'
import { defaultConfig, readConfig, withRelease } from '../check/config.ts'
import { asComplaint, asFirstComplaint, asSarif, asText } from '../check/forms.ts'
import { parseLimits } from '../check/limits.ts'
import { readManifests } from '../check/manifests.ts'
import { callerPath, packageVersion } from '../paths.ts'
import { counted } from '../../../lib/report/words.ts'
import { releases } from '../../../lib/maglev/index.ts'
import { createProcessSimulator } from '../../simulator.ts'

export default command({
  name: 'check',
  description: 'Check manifests and Cilium\'s configuration: maps that do not hold them, limits exceeded, settings without effect (needs no server)',
  args: {
    files: { type: 'string', alias: 'f', description: 'Folder or file of manifests; folders are searched for .yaml, .yml and .json; repeatable', valueHint: 'PATH' },
    config: { type: 'string', description: 'Helm values, the ConfigMap cilium-config, or options by their names', valueHint: 'FILE' },
    release: { type: 'enum', options: [...releases], description: 'Release line of Cilium', default: '1.17+' },
    max: { type: 'string', description: 'Limits, such as memory=64MiB,pressure=0.8,convergence=30s,disruption=0.02', valueHint: 'LIMITS' },
    'node-addresses': { type: 'string', description: 'Addresses of a node, with commas, beside those of the Node object that has most', valueHint: 'ADDRESSES' },
    strict: { type: 'boolean', description: 'Let warnings fail too', default: false },
    notes: { type: 'boolean', description: 'Print notes too: what is as Cilium has it, but surprises', default: false },
    json: { type: 'boolean', description: 'Print JSON', default: false },
    sarif: { type: 'boolean', description: 'Print SARIF 2.1.0', default: false }
  },
  rest: '[PATH...]',
  repeated: { files: '\n' },
  notes: [
    'Exit code 0: nothing beyond the limits; 1: there is; 2: something cannot be read, or Cilium would refuse it (findings too, of rule bad-input).',
    'Judged is a node as full as any of the cluster can be. Services with a traffic policy of Local have the backends of the node with most of them,',
    'services for chosen nodes are on it, its addresses and host ports are those of the node with most; what was assumed is printed.',
    'For instance: maglev-sim check -f manifests --config values.yaml --max memory=64MiB,pressure=0.8'
  ],
  run (args, words) {
    const paths = [...args.files?.split('\n') ?? [], ...words]
    if (paths.length === 0) throw new BadInput('name a folder or file of manifests with -f')
    if (args.json && args.sarif) throw new BadInput('--json and --sarif are two forms: give one')
    const cwd = callerPath('.')
    const result = check({
      manifests: readManifests(paths.map((path) => callerPath(path)), cwd),
      config: withRelease(args.config === undefined ? defaultConfig() : readConfig(args.config, callerPath(args.config)), args.release),
      nodeAddresses: wordList(args['node-addresses']) ?? [],
      limits: parseLimits(args.max ?? ''),
      simulator: (settings) => createProcessSimulator({ nodes: [settings], programs: 'when-needed' })
    })
    const { findings, figures } = result
    const forProgram = args.json || args.sarif
    if (forProgram) process.stdout.write(`${JSON.stringify(args.json ? result : asSarif(result, packageVersion()))}\n`)
    else if (figures !== null) process.stdout.write(asText(result, figures, args.notes))
    if (figures === null) throw new BadInput(forProgram ? asFirstComplaint(findings) : asComplaint(findings))
    const failing = findings.filter(({ level }) => level === 'error' || (args.strict && level === 'warning')).length
    if (failing > 0) throw new Failure(`${counted(failing, 'finding')} beyond what is allowed`)
  }
})
