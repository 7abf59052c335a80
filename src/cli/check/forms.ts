// Findings as text, JSON and SARIF 2.1.0.

import { formatBytes } from '../../../lib/report/words.ts'
import type { CheckResult, Finding } from './findings.ts'
import { rules } from './rules.ts'

/** @param notes whether findings of that level are listed, and not only counted */
export function asText ({ findings, figures }: CheckResult, notes: boolean): string {
  const { services, frontends, tables, memoryBytes, tableBytes, pressures, convergenceSeconds, disruption } = figures
  const [fullest] = pressures
  const lines = findings.filter(({ level }) => notes || level !== 'note').map(({ rule, level, message, help, file, line, object, field }) => [
    `${file === null ? '' : `${file}:${line ?? 1}: `}${level}: ${message} [${rule}]`,
    ...(object === null && field === null ? [] : [`    ${[object, field].filter((one) => one !== null).join(' ')}`]),
    `    ${help}`
  ].join('\n'))
  const count = (level: string): number => findings.filter((finding) => finding.level === level).length
  return [
    ...lines,
    `${services} services, ${frontends} frontends, ${tables} tables` +
      (memoryBytes === null ? '' : `; maps ${formatBytes(memoryBytes)}, of which tables ${formatBytes(tableBytes ?? 0)}`) +
      (disruption === null ? '' : `; when a backend leaves at most ${(100 * disruption.share).toFixed(2)} % of a service's flows move without need (${disruption.service})`) +
      (fullest === undefined ? '' : `; fullest map ${fullest.map} ${(100 * fullest.pressure).toFixed(2)} %`) +
      (convergenceSeconds === null ? '' : `; slowest rolling restart ${convergenceSeconds.toFixed(2)} s (computed)`),
    `${count('error')} errors, ${count('warning')} warnings, ${count('note')} notes`, ''
  ].join('\n')
}

/** @param version of this tool */
export function asSarif ({ findings }: CheckResult, version: string): object {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{
      tool: {
        driver: {
          name: 'maglev-sim',
          version,
          rules: rules.map(({ id, level, title, help }) => ({
            id, shortDescription: { text: title }, help: { text: help }, defaultConfiguration: { level }
          }))
        }
      },
      columnKind: 'utf16CodeUnits',
      results: findings.map(resultOf)
    }]
  }
}

function resultOf ({ rule, level, message, help, file, line, object, field }: Finding): object {
  return {
    ruleId: rule,
    ruleIndex: rules.findIndex(({ id }) => id === rule),
    level,
    message: { text: `${message}. ${help}` },
    locations: file === null && object === null
      ? []
      : [{
          ...(file === null ? {} : { physicalLocation: { artifactLocation: { uri: encodeURI(file) }, region: { startLine: line ?? 1 } } }),
          ...(object === null ? {} : { logicalLocations: [{ fullyQualifiedName: object, kind: 'object' }] })
        }],
    ...(field === null ? {} : { properties: { field } })
  }
}
