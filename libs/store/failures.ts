/** What went wrong at ClickHouse, in the words of the port: whether it is away, refuses for now, or cannot do what was asked. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, TributaryError } from '../errors/errors.ts';
import { isTlsFailure } from '../secrets/tls.ts';

/** ClickHouse error codes that pass: too many parts (252), no space (243), memory (241), busy (202), read-only (242), time-outs, disk errors. */
const REFUSALS = new Set(['252', '243', '241', '202', '242', '159', '160', '209', '210', '75', '74', '319', '999', '425', '473']);
const AUTHENTICATION = new Set(['516', '194', '192', '193', '497']);

export function storeError(thrown: unknown, what: string): TributaryError {
  if (thrown instanceof TributaryError) return thrown;
  const code = codeOf(thrown);
  const message = firstLine(messageOf(thrown));
  if (AUTHENTICATION.has(code)) {
    return new TributaryError('TRB_STORE_QUERY', `ClickHouse does not let us in: ${message}`, {
      hint: 'Check the user, the password and the rights (CLICKHOUSE_USER, CLICKHOUSE_PASSWORD).',
      cause: thrown,
    });
  }
  if (REFUSALS.has(code)) {
    const hint =
      code === '243' ? 'Free disk space.' : 'It is tried again; see whether ClickHouse is short of memory, disk or merges.';
    return new TributaryError('TRB_STORE_REFUSED', `ClickHouse refuses for now: ${message}`, {
      hint,
      canRetry: true,
      cause: thrown,
    });
  }
  if (/^\d+$/.test(code)) {
    return new TributaryError('TRB_STORE_QUERY', `ClickHouse cannot ${what}: ${message} (code ${code})`, { cause: thrown });
  }
  if (isTlsFailure(thrown)) {
    return new TributaryError('TRB_STORE_TLS', `There is no secure connection to ClickHouse: ${message}`, {
      hint: 'Check the URL, whose certificate is believed (--clickhouse-ca), and our own (--clickhouse-cert, --clickhouse-key).',
      cause: thrown,
    });
  }
  return new TributaryError('TRB_STORE_UNAVAILABLE', `ClickHouse does not answer: ${message || code}`, {
    hint: 'Check that the server runs and that its URL is right.',
    canRetry: true,
    cause: thrown,
  });
}

/**
 * Opening an embedded store failed. Its directory has one owner, by an OS lock of ClickHouse's own that a dead owner cannot hold; the
 * reason goes to stderr only, so the owner is read from the directory's `status` file.
 */
export function openError(thrown: unknown, path: string): TributaryError {
  const message = messageOf(thrown);
  const owner = ownerOf(path);
  if (owner !== undefined || message.includes('one active data directory')) {
    const who = owner === undefined || owner === process.pid ? 'This process has another one open.' : `Process ${owner} owns it.`;
    return new TributaryError('TRB_STORE_IN_USE', `The store in ${path} cannot be opened. ${who}`, {
      hint: 'A directory has one owner, and a process one directory: stop the other instance, or use its API.',
      cause: thrown,
    });
  }
  return new TributaryError('TRB_STORE_UNAVAILABLE', `The store in ${path} cannot be opened: ${firstLine(message)}`, {
    hint: 'Check that the directory can be written and has space.',
    cause: thrown,
  });
}

/** The living process that the directory's status file names. */
function ownerOf(path: string): number | undefined {
  let pid: number | undefined;
  try {
    pid = Number(/^PID: (\d+)/m.exec(readFileSync(join(path, 'status'), 'utf8'))?.[1]);
    process.kill(pid, 0);
    return pid;
  } catch (thrown) {
    const anotherUsers = thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
    return anotherUsers ? pid : undefined;
  }
}

/** ClickHouse's number or the system's name of an error; a server's HTTP front may answer with anything. */
function codeOf(thrown: unknown): string {
  for (const candidate of [thrown, thrown instanceof Error ? thrown.cause : undefined]) {
    if (typeof candidate !== 'object' || candidate === null || !('code' in candidate)) continue;
    const { code } = candidate;
    if (typeof code === 'string' || typeof code === 'number') return String(code);
  }
  return /^Code: (\d+)/m.exec(messageOf(thrown))?.[1] ?? '';
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]!.slice(0, 400);
}
