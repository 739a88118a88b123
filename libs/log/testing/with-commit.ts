import { type EventLog } from '../port.ts';

/** Test tool: the log, but for how it commits. */
export function withCommit(log: EventLog, commit: EventLog['commit']): EventLog {
  return {
    partitions: (topic) => log.partitions(topic),
    bounds: (topic, partition) => log.bounds(topic, partition),
    append: (records) => log.append(records),
    committed: (group, topic, partition) => log.committed(group, topic, partition),
    read: (topic, partition, options) => log.read(topic, partition, options),
    consume: (options) => log.consume(options),
    close: () => log.close(),
    commit,
  };
}
