/** The group's share-out on Kafka: each member says what it has, and the leader shares out with as few moves as can be. */
import { AssignerProtocol, type GroupMember, type PartitionAssigner } from 'kafkajs';
import { z } from 'zod';
import { assign, slot, type Candidate } from '../assignment.ts';

const { MemberAssignment, MemberMetadata } = AssignerProtocol;
const NAME = 'tributary-sticky';
const VERSION = 1;
const Claims = z.array(z.string());

/** `owned` gives the slots (by names on the broker) that the member has when it joins. */
export function sticky(owned: () => readonly string[]): PartitionAssigner {
  return ({ cluster }) => ({
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: MemberMetadata.encode({ version: VERSION, topics, userData: Buffer.from(JSON.stringify(owned())) }),
    }),
    assign: ({ members }) => {
      const candidates = members.map(toCandidate);
      const topics = [...new Set(candidates.flatMap((each) => each.topics))];
      const numbers = new Map(
        topics.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).map((each) => each.partitionId)]),
      );
      const owners = assign(candidates, numbers);
      return Promise.resolve(
        candidates.map(({ id }) => {
          const assignment = Object.fromEntries(
            [...numbers].map(([topic, all]) => [topic, all.filter((number) => owners.get(slot(topic, number)) === id)]),
          );
          return {
            memberId: id,
            memberAssignment: MemberAssignment.encode({ version: VERSION, assignment, userData: Buffer.alloc(0) }),
          };
        }),
      );
    },
  });
}

function toCandidate({ memberId, memberMetadata }: GroupMember): Candidate {
  const metadata = MemberMetadata.decode(memberMetadata);
  return { id: memberId, topics: metadata?.topics ?? [], owned: new Set(claimsOf(metadata?.userData)) };
}

/** A member that claims nonsense claims nothing. */
function claimsOf(userData: Buffer | undefined): readonly string[] {
  try {
    return Claims.parse(JSON.parse(userData?.toString('utf8') ?? '[]'));
  } catch {
    return [];
  }
}
