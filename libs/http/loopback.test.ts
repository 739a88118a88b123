import { expect, test } from '@jest/globals';
import { checkListenHost, isLoopback } from './loopback.ts';

test.each(['127.0.0.1', 'localhost', '::1', '[::1]'])('%s is this machine', (host) => {
  expect(isLoopback(host)).toBe(true);
  expect(checkListenHost('the page', host, false)).toBe(host);
});

test.each(['0.0.0.0', '::', '10.0.0.1', 'tributary.example.com', ''])('"%s" is not, and needs to be asked for', (host) => {
  expect(() => checkListenHost('the page', host, false)).toThrow(expect.objectContaining({ code: 'TRB_NOT_LOOPBACK' }));
  expect(checkListenHost('the page', host, true)).toBe(host);
});
