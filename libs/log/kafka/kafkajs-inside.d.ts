/** Of kafkajs' inside, which has no types; see inside.ts. */
declare module 'kafkajs/src/consumer/runner.js' {
  interface Runner {
    readonly running: boolean;
    readonly consumerGroup: object;
    fetch: (this: Runner, nodeId: string) => Promise<readonly { readonly topic: string; readonly partition: number }[]>;
  }
  const Runner: { readonly prototype: Runner };
  export default Runner;
}

declare module 'kafkajs/src/consumer/consumerGroup.js' {
  interface ConsumerGroup {
    seek: (this: ConsumerGroup, place: { readonly topic: string; readonly partition: number; readonly offset: string }) => void;
  }
  const ConsumerGroup: { readonly prototype: ConsumerGroup };
  export default ConsumerGroup;
}

declare module 'kafkajs/src/network/connectionPool.js' {
  interface Connection {
    readonly socket?: { destroy(): void };
    rejectRequests(error: Error): void;
    disconnect(): Promise<unknown>;
  }
  export interface Pool {
    /** One for fetches, one for everything else. */
    readonly pool: readonly Connection[];
    getConnection: (this: Pool, index?: number) => Promise<Connection>;
  }
  const ConnectionPool: { readonly prototype: Pool };
  export default ConnectionPool;
}

declare module 'kafkajs/src/broker/index.js' {
  /** Of a transactional producer. An idempotent one, which only asks for its number, leaves the id out. */
  interface Step {
    readonly transactionalId: string;
  }
  export interface Broker {
    isConnected: () => boolean;
    initProducerId: (this: Broker, request: Step) => Promise<unknown>;
    addPartitionsToTxn: (this: Broker, request: Step) => Promise<unknown>;
    addOffsetsToTxn: (this: Broker, request: Step) => Promise<unknown>;
    txnOffsetCommit: (this: Broker, request: Step) => Promise<unknown>;
    endTxn: (this: Broker, request: Step) => Promise<unknown>;
  }
  const Broker: { readonly prototype: Broker };
  export default Broker;
}

declare module 'kafkajs/src/cluster/brokerPool.js' {
  import { type Pool } from 'kafkajs/src/network/connectionPool.js';
  interface BrokerPool {
    readonly connectionPoolBuilder: { build: (address?: object) => Promise<Pool> };
    connect: (this: BrokerPool) => Promise<void>;
    disconnect: (this: BrokerPool) => Promise<void>;
  }
  const BrokerPool: { readonly prototype: BrokerPool };
  export default BrokerPool;
}

declare module 'kafkajs/src/cluster/index.js' {
  import { type Broker } from 'kafkajs/src/broker/index.js';
  interface Cluster {
    readonly brokerPool: object;
    connect: (this: Cluster) => Promise<void>;
    /** `coordinatorType`: 1 of a transaction, 0 of the group in one. */
    findGroupCoordinator: (
      this: Cluster,
      wanted: { readonly groupId: string; readonly coordinatorType?: number },
    ) => Promise<Broker>;
  }
  const Cluster: { readonly prototype: Cluster };
  export default Cluster;
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  interface RequestQueue {
    readonly pending: readonly unknown[];
    scheduleCheckPendingRequests: (this: RequestQueue) => void;
  }
  const RequestQueue: { readonly prototype: RequestQueue };
  export default RequestQueue;
}
