/** Who wants to know what the adapter does by itself, for metrics. */
export interface LogObserver {
  /** A member of the group was given its partitions, anew or for the first time. */
  readonly rebalanced?: (group: string) => void;
  /**
   * Something failed and is tried again in another way than by kafkajs itself: `append` by a new producer, `read` by a new connection, `partition`
   * (a failed commit) by beginning it anew, `consume` by a new stay in the group.
   */
  readonly retried?: (what: 'append' | 'read' | 'partition' | 'consume', error: unknown) => void;
}
