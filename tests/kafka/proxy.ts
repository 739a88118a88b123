/** A TCP proxy on loopback that can lose everything on its way, as a network does that is cut: nobody is told, nothing arrives. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Proxy {
  /** Where it listens, in the order of the targets. */
  readonly ports: readonly number[];
  /** From now on nothing passes in either direction, and new connections get no answer. */
  cut(): void;
  /** Connections of before are gone; new ones pass. */
  heal(): void;
  close(): Promise<void>;
}

export async function startProxy(targets: readonly number[]): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.setNoDelay();
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const servers = targets.map((target) =>
    createServer((client) => {
      keep(client);
      if (isCut) return;
      const broker = keep(connect(target, '127.0.0.1'));
      for (const [from, to] of [
        [client, broker],
        [broker, client],
      ] as const) {
        from.on('data', (bytes) => {
          if (isCut) return;
          if (!to.write(bytes)) from.pause();
        });
        to.on('drain', () => from.resume());
        from.on('close', () => {
          if (!isCut) to.destroy();
        });
      }
    }),
  );
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))));
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    ports: servers.map((server) => (server.address() as AddressInfo).port),
    cut: () => (isCut = true),
    heal: () => {
      isCut = false;
      drop();
    },
    close: async () => {
      drop();
      await Promise.all(servers.map(closed));
    },
  };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
