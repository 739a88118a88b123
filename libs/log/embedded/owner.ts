/**
 * One owner per directory. The claim is a listening socket that the kernel takes back when its process dies, however it dies, so
 * that no stale lock is left: on Linux an abstract socket, on Windows a named pipe, both atomic. Elsewhere a socket file, which is
 * tried by connecting before it is taken for dead.
 */
import { createHash } from 'node:crypto';
import { realpathSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TributaryError } from '../../errors/errors.ts';

/** Claims an existing directory; call what it resolves to, to give it back. `TRB_LOG_IN_USE` if somebody has it. */
export async function claim(directory: string): Promise<() => Promise<void>> {
  const address = addressOf(directory);
  const server = (await listen(address)) ?? (await listenAfterTheDead(address));
  if (server === undefined) {
    const owner = await askOwner(address);
    throw new TributaryError('TRB_LOG_IN_USE', `The log in ${directory} is open in process ${owner ?? 'unknown'}`, {
      hint: 'Stop that one, go through its API, or choose another data directory.',
    });
  }
  return () => new Promise((resolve) => server.close(() => resolve()));
}

function addressOf(directory: string): string {
  const real = realpathSync(directory);
  const { dev, ino } = statSync(real);
  // The inode, not the path: the same directory may be mounted in two places.
  const name = process.platform === 'win32' ? real.toLowerCase() : `${dev}:${ino}`;
  const id = `tributary-log-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
  if (process.platform === 'linux') return `\0${id}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${id}` : join(tmpdir(), `${id}.sock`);
}

/** The server, or undefined where somebody listens already. */
function listen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.on('error', () => undefined).end(String(process.pid)));
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(address, () => resolve(server.unref()));
  });
}

async function listenAfterTheDead(address: string): Promise<Server | undefined> {
  const isFile = address.startsWith(tmpdir());
  if (!isFile || (await askOwner(address)) !== undefined) return undefined;
  rmSync(address, { force: true });
  return listen(address);
}

/** The owner's process id; undefined if nobody answers. */
function askOwner(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(address);
    socket.setEncoding('utf8').setTimeout(2000, () => socket.destroy());
    socket.on('data', (text: string) => (answer += text));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer === '' ? undefined : answer));
  });
}
