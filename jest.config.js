/** Fast tests by default; the suites in tests/ that take longer have a script of their own in package.json. */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }],
  },
  testMatch: ['<rootDir>/{libs,services,tests,scripts}/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/.tributary/', '<rootDir>/build/', '<rootDir>/build-next/'],
  globalSetup: '<rootDir>/tests/kafka/setup.ts',
  globalTeardown: '<rootDir>/tests/kafka/teardown.ts',
  testTimeout: 120_000,
  maxWorkers: 2,
};
