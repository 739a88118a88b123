/** What the brokers and kafkajs say of a failure, in the log's words. */
import { messageOf, TributaryError } from '../../errors/errors.ts';
import { isTlsFailure } from '../../secrets/tls.ts';

const FENCED = new Set(['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING', 'UNKNOWN_PRODUCER_ID']);
const COORDINATOR_BUSY = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'CONCURRENT_TRANSACTIONS',
]);
const LEADER_MOVING = new Set(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE', 'REPLICA_NOT_AVAILABLE']);
const FORBIDDEN = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
]);
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** Whether the broker says that a newer producer has taken over the transactional id. */
export function isFenced(error: unknown): boolean {
  return typesOf(error).some((type) => FENCED.has(type));
}

/** Whether a coordinator is on its way to another broker, still reads its state, or still writes the end of the last transaction. */
export function isCoordinatorBusy(error: unknown): boolean {
  return typesOf(error).some((type) => COORDINATOR_BUSY.has(type));
}

/** Whether a partition has no leader at the moment, or another one than was thought. */
export function isLeaderMoving(error: unknown): boolean {
  return typesOf(error).some((type) => LEADER_MOVING.has(type));
}

/** Whether the offset asked for is not in the log (any more). */
export function isOutOfRange(error: unknown): boolean {
  return typesOf(error).includes('OFFSET_OUT_OF_RANGE');
}

/** A broker whose disk is full goes, and others have its partitions then. */
const PASSING = new Set(['TRB_LOG_UNAVAILABLE', 'TRB_LOG_DISK_FULL', 'TRB_LOG_FENCED']);

/** What a new stay in the group, or a new producer, can mend. */
export function isPassing(error: unknown): error is TributaryError {
  return error instanceof TributaryError && PASSING.has(error.code);
}

/** The same error in the log's words. */
export function toLogError(error: unknown): TributaryError {
  if (error instanceof TributaryError) return error;
  const types = typesOf(error);
  if (types.includes('UNKNOWN_TOPIC_OR_PARTITION')) {
    return new TributaryError('TRB_LOG_UNKNOWN_TOPIC', 'A topic of the log does not exist on the broker', {
      hint: 'Run `tributary topics apply`.',
      cause: error,
    });
  }
  if (types.some((type) => TOO_LARGE.has(type))) {
    return new TributaryError('TRB_LOG_TOO_LARGE', 'The broker refuses a record for its size', {
      hint: 'Run `tributary topics apply`, which sets max.message.bytes.',
      cause: error,
    });
  }
  if (types.includes('KAFKA_STORAGE_ERROR')) {
    return new TributaryError('TRB_LOG_DISK_FULL', 'The broker cannot write to its disk', {
      hint: 'Look at the broker’s disk.',
      canRetry: true,
      cause: error,
    });
  }
  if (types.some((type) => FORBIDDEN.has(type))) {
    return new TributaryError('TRB_LOG_FORBIDDEN', `The broker does not let us: ${messageOf(error)}`, {
      hint: '`tributary topics apply --acl-principal` says what each service has to be allowed.',
      cause: error,
    });
  }
  if (types.includes('KafkaJSSASLAuthenticationError')) {
    return new TributaryError('TRB_LOG_AUTHENTICATION', `The broker does not know us: ${messageOf(error)}`, {
      hint: 'Check KAFKA_USERNAME, the password and the mechanism.',
      cause: error,
    });
  }
  if (isTlsFailure(error)) {
    return new TributaryError('TRB_LOG_TLS', `There is no secure connection to the broker: ${messageOf(error)}`, {
      hint: 'Check --kafka-security, whose certificates are believed (--kafka-ca), and our own (--kafka-cert, --kafka-key).',
      cause: error,
    });
  }
  return new TributaryError('TRB_LOG_UNAVAILABLE', `The broker did not do it: ${messageOf(error)}`, {
    hint: 'Is it running, and is its address right?',
    canRetry: true,
    cause: error,
  });
}

/** Protocol error names of an error and all its causes. */
function typesOf(error: unknown): string[] {
  const types: string[] = [];
  for (let at = error; at instanceof Error && types.length < 16; at = at.cause) {
    types.push('type' in at && typeof at.type === 'string' ? at.type : at.name);
  }
  return types;
}
