// Lists that Cilium prints of its load balancer, in and out.

export * from './bpf-lb-list.ts'
export * from './compare-table.ts'
export * from './compare-tables.ts'
export * from './config-list.ts'
export * from './frontends.ts'
export * from './import.ts'
export * from './maglev-list.ts'
export * from './service-list.ts'
export * from './services.ts'
export * from './sysdump.ts'
export * from './texts.ts'
export * from './write.ts'
