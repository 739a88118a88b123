/**
 * Who may do what on the broker: each service is a principal of its own and gets the least that its work needs; bots read the signals.
 * Who reads as a member of a group needs the group too.
 */
import { isDeepStrictEqual } from 'node:util';
import kafkajs, { type AclEntry, type Admin } from 'kafkajs';
import { ARCHIVED_TOPICS, type Topic } from '../topics.ts';
import { type Connection } from './connection.ts';

interface Access {
  readonly reads?: readonly Topic[];
  readonly writes?: readonly Topic[];
  /** Groups it consumes and commits as. */
  readonly groups?: readonly string[];
  /** Groups whose place it looks at. */
  readonly watches?: readonly string[];
}

/** By the name of a service as in `tributary NAME`; `models` is the command, `bots` is whoever acts on signals. */
export const ACCESS: Readonly<Record<string, Access>> = {
  ingest: { reads: ['ticks'], writes: ['ticks'] },
  context: { reads: ['context-state', 'ticks'], writes: ['ticks', 'context-state'], groups: ['context'] },
  clock: { reads: ['models'], writes: ['ticks'], groups: ['clock'] },
  features: {
    reads: ['ticks', 'features', 'feature-state'],
    writes: ['features', 'feature-state', 'dead-letter'],
    groups: ['features'],
    watches: ['archive'],
  },
  inference: {
    reads: ['features', 'models', 'signals', 'shadow'],
    writes: ['signals', 'signals-json', 'shadow', 'dead-letter'],
    groups: ['inference'],
  },
  evaluation: {
    reads: ['ticks', 'features', 'signals', 'outcomes', 'shadow', 'shadow-outcomes', 'outcome-state'],
    writes: ['outcomes', 'shadow-outcomes', 'outcome-state', 'dead-letter'],
    groups: ['evaluation'],
    watches: ['features', 'inference'],
  },
  paper: { reads: ['ticks', 'signals', 'paper-state'], writes: ['paper', 'paper-state', 'dead-letter'], groups: ['paper'] },
  parity: {
    reads: ['ticks', 'features', 'signals', 'models', 'feature-state', 'parity-state'],
    writes: ['parity', 'parity-state'],
    groups: ['parity'],
    watches: ['features'],
  },
  rollout: { reads: ['models', 'signals', 'outcomes', 'shadow-outcomes'], writes: ['models'], groups: ['rollout'] },
  archive: { reads: ARCHIVED_TOPICS, writes: ['dead-letter'], groups: ['archive', 'archive-plan'] },
  // It carries out orders that the operator signed.
  gateway: { reads: ['ticks', 'features', 'signals', 'outcomes', 'shadow-outcomes', 'models', 'parity'], writes: ['models'] },
  models: { reads: ['models', 'signals', 'outcomes', 'shadow-outcomes'], writes: ['models'] },
  bots: { reads: ['signals', 'signals-json'], groups: ['bots'] },
};

/** In a template of principals, the place of the service's name. */
export const SERVICE_MARK = '{service}';

const {
  AclResourceTypes: Resource,
  AclOperationTypes: Operation,
  AclPermissionTypes: Permission,
  ResourcePatternTypes: Pattern,
} = kafkajs;

/** Lets each service's principal do its work; resolves to what it added, a line each. It takes nothing away. */
export async function applyAccess(
  admin: Admin,
  connection: Connection,
  principals: string,
  dryRun: boolean,
): Promise<readonly string[]> {
  const wanted = Object.entries(ACCESS).flatMap(([service, access]) =>
    entriesOf(service, access, connection).map((entry) => ({ ...entry, principal: principals.replace(SERVICE_MARK, service) })),
  );
  const existing = await existingEntries(admin);
  const missing = wanted.filter((entry) => !existing.some((each) => isDeepStrictEqual(each, entry)));
  if (missing.length > 0 && !dryRun) await admin.createAcls({ acl: missing });
  return missing.map(describeEntry);
}

function entriesOf(service: string, access: Access, connection: Connection): Omit<AclEntry, 'principal'>[] {
  const { reads = [], writes = [], groups = [], watches = [] } = access;
  const allow = (
    resourceType: AclEntry['resourceType'],
    resourceName: string,
    operation: AclEntry['operation'],
    resourcePatternType: AclEntry['resourcePatternType'] = Pattern.LITERAL,
  ) => ({ resourceType, resourceName, resourcePatternType, host: '*', operation, permissionType: Permission.ALLOW });
  return [
    ...reads.map((topic) => allow(Resource.TOPIC, connection.topicName(topic), Operation.READ)),
    ...writes.map((topic) => allow(Resource.TOPIC, connection.topicName(topic), Operation.WRITE)),
    ...groups.map((group) => allow(Resource.GROUP, connection.groupName(group), Operation.READ)),
    ...watches.map((group) => allow(Resource.GROUP, connection.groupName(group), Operation.DESCRIBE)),
    // Opening the log asks for a producer's number; who may write somewhere gets one, who may not needs this, and can still write nowhere.
    ...(writes.length === 0 ? [allow(Resource.CLUSTER, 'kafka-cluster', Operation.IDEMPOTENT_WRITE)] : []),
    ...(service === 'bots' ? [] : groups).map((group) =>
      allow(Resource.TRANSACTIONAL_ID, connection.groupName(`${group}/`), Operation.WRITE, Pattern.PREFIXED),
    ),
  ];
}

async function existingEntries(admin: Admin): Promise<AclEntry[]> {
  const { resources } = await admin.describeAcls({
    resourceType: Resource.ANY,
    resourcePatternType: Pattern.ANY,
    operation: Operation.ANY,
    permissionType: Permission.ANY,
  });
  return resources.flatMap(({ resourceType, resourceName, resourcePatternType, acls }) =>
    acls.map(({ principal, host, operation, permissionType }) => ({
      resourceType,
      resourceName,
      resourcePatternType,
      host,
      operation,
      permissionType,
      principal,
    })),
  );
}

function describeEntry({ principal, operation, resourceType, resourceName, resourcePatternType }: AclEntry): string {
  const end = resourcePatternType === Pattern.PREFIXED ? '*' : '';
  return `access: ${principal} may ${wordOf(Operation, operation)} ${wordOf(Resource, resourceType)} ${resourceName}${end}`;
}

/** `TRANSACTIONAL_ID` -> `transactional id`. kafkajs' enumerations know their numbers only. */
function wordOf(enumeration: object, value: number): string {
  const [name] = Object.entries(enumeration).find(([, each]) => each === value)!;
  return name.toLowerCase().replace('_', ' ');
}
