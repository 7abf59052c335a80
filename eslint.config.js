import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['dist/**', 'build/**', '**/assembly/**', '.tap/**', 'node_modules/**'] }),
  {
    rules: {
      '@stylistic/max-len': ['error', { code: 140, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }],
      'no-console': 'error'
    }
  },
  { files: ['src/cli/**', 'bench/**', 'scripts/**', 'test/**'], rules: { 'no-console': 'off' } },
  {
    // neostandard brings the plugin but leaves these off: they keep the floor of Node 20.20.2 honest.
    files: ['lib/**/*.ts', 'src/**/*.ts', 'routes/**/*.ts', 'scripts/**/*.mjs'],
    ignores: ['src/page/**'],
    settings: { node: { version: '>=20.20.2' } },
    rules: { 'n/no-unsupported-features/node-builtins': ['error', { allowExperimental: false }] }
  }
]
