/** An authority and the certificates it signs, made by openssl for one test: a server's for loopback, a client's, and a stranger's authority. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from '@jest/globals';

/** PEM files; their texts by `read`. */
export interface Certificates {
  readonly folder: string;
  readonly file: (name: CertificateFile) => string;
  readonly read: (name: CertificateFile) => string;
  readonly remove: () => void;
}
export type CertificateFile =
  'ca.pem' | 'server.pem' | 'server.key' | 'client.pem' | 'client.key' | 'stranger-ca.pem' | 'stranger.pem' | 'stranger.key';

/** Tests over TLS: left out by name where there is no openssl to make certificates, which in CI is a failure. */
export function describeWithCertificates(name: string, suite: (certificates: Certificates) => void): void {
  const found = spawnSync('openssl', ['version']).status === 0;
  if (!found && process.env['CI'] !== 'true') {
    process.stderr.write(`${name} is left out: openssl not found\n`);
    test.todo(`${name} is left out: openssl not found`);
    return;
  }
  describe(name, () => {
    const certificates = makeCertificates();
    afterAll(() => certificates.remove());
    suite(certificates);
  });
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];

export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-tls-'));
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', ['req', '-x509', ...NEW_KEY, ...args], { cwd: folder, stdio: 'pipe' });
  };
  const authority = (name: string): void =>
    openssl('-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-addext', 'keyUsage=critical,keyCertSign');
  const signed = (name: string, by: string, ...extensions: string[]): void => {
    const signer = ['-CA', `${by}.pem`, '-CAkey', `${by}.key`];
    const added = ['basicConstraints=critical,CA:FALSE', ...extensions].flatMap((each) => ['-addext', each]);
    openssl('-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`, ...signer, ...added);
  };
  for (const name of ['ca', 'stranger-ca']) authority(name);
  signed('server', 'ca', 'subjectAltName=IP:127.0.0.1,DNS:localhost');
  signed('client', 'ca');
  signed('stranger', 'stranger-ca');
  const file = (name: CertificateFile): string => join(folder, name);
  return {
    folder,
    file,
    read: (name) => readFileSync(file(name), 'utf8'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
