/** Suites that take longer or need tools of their own; each has a script in package.json and none is part of `npm test`. */
import config from './jest.config.js';

export default { ...config, testMatch: ['<rootDir>/tests/**/*.suite.ts'] };
