/**
 * A broker that lets nobody in unasked: TLS both ways, SCRAM, and an authorizer that allows what ACLs allow. `operator` may do everything;
 * every other user may do nothing until it is given a right.
 */
import { type SASLOptions } from 'kafkajs';
import { Secret } from '#libs/secrets/secret.ts';
import { type KafkaLogOptions } from '#libs/log/kafka.ts';
import { type Certificates } from '#tests/tls/certificates.ts';
import { type Broker, startBroker } from './broker.ts';

export const OPERATOR = 'operator';
const LOGIN = 'org.apache.kafka.common.security.scram.ScramLoginModule required';

export interface SecureBroker extends Broker {
  /** What lets a user in. */
  readonly access: (username: string, mechanism?: 'scram-sha-256' | 'scram-sha-512') => Access;
}
export interface Access {
  readonly brokers: readonly string[];
  readonly tls: NonNullable<KafkaLogOptions['tls']>;
  readonly sasl: NonNullable<KafkaLogOptions['sasl']>;
}

/** A user's password in this broker. */
export const passwordOf = (username: string): string => `password-of-${username}`;

export async function startSecureBroker(certificates: Certificates, users: readonly string[]): Promise<SecureBroker> {
  const { read } = certificates;
  const oneLine = (...pems: string[]): string => pems.join('').replaceAll('\n', '\\n');
  const formatting = [OPERATOR, ...users].flatMap((name) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${passwordOf(name)}]`,
    ]),
  );
  const broker = await startBroker({
    protocol: 'SASL_SSL',
    formatting,
    client: {
      ssl: { ca: read('ca.pem'), cert: read('client.pem'), key: read('client.key') },
      sasl: { mechanism: 'scram-sha-512', username: OPERATOR, password: passwordOf(OPERATOR) } satisfies SASLOptions,
    },
    properties: `ssl.keystore.type=PEM
ssl.keystore.certificate.chain=${oneLine(read('server.pem'))}
ssl.keystore.key=${oneLine(read('server.key'))}
ssl.truststore.type=PEM
ssl.truststore.certificates=${oneLine(read('ca.pem'))}
# Without the prefix it holds for SSL listeners only.
listener.name.sasl_ssl.ssl.client.auth=required
sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=${LOGIN};
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=${LOGIN} username="${OPERATOR}" password="${passwordOf(OPERATOR)}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:${OPERATOR};User:ANONYMOUS
allow.everyone.if.no.acl.found=false
`,
  });
  return {
    ...broker,
    access: (username, mechanism = 'scram-sha-512') => ({
      brokers: broker.brokers,
      tls: { ca: read('ca.pem'), cert: read('client.pem'), key: new Secret(read('client.key')) },
      sasl: { mechanism, username, password: new Secret(passwordOf(username)) },
    }),
  };
}
