/** Of kafkajs' inside, which has no types; see inside.ts. */
declare module 'kafkajs/src/consumer/runner.js' {
  interface Runner {
    readonly running: boolean;
    fetch: (this: Runner, nodeId: string) => Promise<readonly unknown[]>;
  }
  const Runner: { readonly prototype: Runner };
  export default Runner;
}

declare module 'kafkajs/src/cluster/brokerPool.js' {
  interface ConnectionPool {
    destroy(): Promise<void>;
  }
  interface BrokerPool {
    readonly connectionPoolBuilder: { build: (address?: object) => Promise<ConnectionPool> };
    connect: (this: BrokerPool) => Promise<void>;
    disconnect: (this: BrokerPool) => Promise<void>;
  }
  const BrokerPool: { readonly prototype: BrokerPool };
  export default BrokerPool;
}

declare module 'kafkajs/src/cluster/index.js' {
  interface Cluster {
    /** `coordinatorType` 1: of a transaction. */
    findGroupCoordinator: (
      this: Cluster,
      wanted: { readonly groupId: string; readonly coordinatorType?: number },
    ) => Promise<object>;
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
