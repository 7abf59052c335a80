// What a table on the command line may be: any prime, where nodes take Cilium's ten sizes only.

/** the largest prime below 2^24 */
export const largestM = 16_777_213

/** characters of a line: a table of 65,535 backends has some 5 million */
export const lineCharacters = 16 * 1024 * 1024
