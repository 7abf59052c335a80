// How much a benchmark may be asked.

export const benchmarkLimits = {
  rounds: 50,
  variants: 16,
  /** service sizes; each is a service on every node */
  sizes: 16,
  /** of one service: every one is copied into the kernel */
  backends: 4096,
  /** services whose tables lie in the kernel at once, in every layout: about 0.5 GB */
  services: 1000
} as const

export const benchmarkDefaults = { mix: '700x3,200x10,80x40,20x160', rounds: 7 } as const
