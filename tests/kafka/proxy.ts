/** A TCP proxy on loopback that can lose everything on its way, as a network does that is cut: nobody is told, nothing arrives. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Proxy {
  /** Where it listens, in the order of the targets. */
  readonly ports: readonly number[];
  /** From now on nothing passes in either direction, and new connections get no answer. */
  cut(): void;
  /** Connections of before are gone; new ones pass. */
  heal(): void;
  /** The port refuses, as that of a dead broker does; a connection that is taken and closed is another thing. */
  refuse(index: number): Promise<void>;
  admit(index: number): Promise<void>;
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
  const own = targets.map(() => new Set<Socket>());
  const servers = targets.map((target, index) =>
    createServer((client) => {
      keep(client);
      own[index]!.add(client);
      client.once('close', () => own[index]!.delete(client));
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
  const listen = (server: Server, port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  await Promise.all(servers.map((server) => listen(server, 0)));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    ports,
    cut: () => (isCut = true),
    heal: () => {
      isCut = false;
      drop();
    },
    refuse: async (index) => {
      const closing = closed(servers[index]!);
      for (const socket of own[index]!) socket.destroy();
      await closing;
    },
    admit: (index) => listen(servers[index]!, ports[index]!),
    close: async () => {
      drop();
      await Promise.all(servers.map(closed));
    },
  };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
