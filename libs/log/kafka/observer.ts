/** Who wants to know what the adapter does by itself, for metrics. */
export interface LogObserver {
  /** A member of the group was given its partitions, anew or for the first time. */
  readonly rebalanced?: (group: string) => void;
  /**
   * Something failed and is tried again in another way than by kafkajs itself: `append` by a new producer, `read` by a new connection,
   * `consume` by a new stay in the group (failed commits too).
   */
  readonly retried?: (what: 'append' | 'read' | 'consume', error: unknown) => void;
}
