// Every maximum of the HTTP surface in one place: the schemas take theirs from here, and `GET /v1/limits` shows them.

const KiB = 1024
const MiB = 1024 * KiB

export const limits = {
  /** body of a request where nothing else is said */
  bodyBytes: 1 * MiB,
  /** body of a service or of a list of backends */
  serviceBodyBytes: 4 * MiB,
  /** body of `POST /v1/lookups`: 1000 packets of full length */
  lookupBodyBytes: 8 * MiB,
  /** body of `PUT /v1/state` */
  stateBodyBytes: 8 * MiB,
  /** body of `POST /v1/imports` */
  importBodyBytes: 64 * MiB,
  /** larger JSON bodies of imports are parsed in a worker thread */
  inlineJsonBytes: 1 * MiB,
  /** larger YAML bodies of imports are parsed in a worker thread */
  inlineYamlBytes: 256 * KiB,
  /** imports that may be received and read at a time */
  importsAtOnce: 4,
  /** files of an archive that is imported */
  archiveEntries: 50_000,
  /** what is read of an archive, unpacked */
  archiveBytes: 256 * MiB,
  /** requests that may be answered at a time */
  requestsAtOnce: 512,
  /** objects and arrays inside each other in any body */
  documentDepth: 64,
  /** YAML aliases that one document may resolve to nodes */
  yamlAliases: 100,
  /** YAML documents, or JSON array elements, in one import; a List counts as one */
  importDocuments: 100_000,
  urlBytes: 8 * KiB,
  headerBytes: 16 * KiB,
  pageItems: 500,
  frontendsPerService: 1024,
  backendsPerService: 16_384,
  sourceRangesPerService: 1024,
  services: 65_536,
  nodeAddresses: 64,
  nodes: 16,
  possibleCpus: 128,
  flowsPerLookup: 1000,
  packetBytes: 3520,
  /** packets of one lookup when every executed instruction is listed */
  tracedPackets: 32,
  runsQueued: 16,
  runsRunning: 1,
  runsKept: 100,
  runRetentionSeconds: 3600,
  runSeconds: 900,
  runWaitSeconds: 30,
  eventStreams: 32,
  eventsKept: 1024,
  reportVariants: 16,
  /** reports that may be computed at a time; longer ones are runs */
  reportsAtOnce: 4,
  /** views of the page at / that may be made at a time */
  pagesAtOnce: 32,
  /** answers that the page keeps */
  pagesKept: 16,
  reportTrials: 1000,
  /** body of `POST /v1/reports/{kind}`: what bpftool shows of a large node */
  reportBodyBytes: 8 * MiB,
  /** maps of a machine that a memory report is set against */
  foundMaps: 20_000,
  /** services that a memory report lists */
  servicesListed: 1000,
  /** of an example service of the convergence report */
  reportPorts: 512,
  reportFrontendsPerPort: 17,
  reportBackends: 1000,
  /** that change at once there */
  reportServices: 20_000,
  /** rows of a report about single services */
  reportWorst: 100,
  /** flows of one population in a report */
  reportFlows: 100_000,
  /** lookups that a report counts in its model of caches */
  reportCacheLookups: 1_000_000,
  mixLength: 4096
} as const

export type LimitName = keyof typeof limits
