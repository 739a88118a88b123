/** Whether a port is free, asked before anything is started that would have to be stopped again. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { messageOf, TributaryError } from '#libs/errors/errors.ts';

/** `port` on 127.0.0.1; 0 always is. Throws `TRB_PORT_IN_USE`. */
export async function checkPort(port: number, option: string): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (cause) {
    const isTaken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    throw new TributaryError('TRB_PORT_IN_USE', isTaken ? `Port ${port} is in use.` : `Port ${port}: ${messageOf(cause)}.`, {
      hint: `Stop what listens there, or give another with ${option} (0 = any free one).`,
      cause,
    });
  }
  const closed = once(server, 'close');
  server.close();
  await closed;
}
