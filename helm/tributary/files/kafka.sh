#!/bin/bash
# One broker that lets nobody in unasked, in the image apache/kafka: formats its disk at the first start with a SCRAM user for each file in
# USERS (name = user, content = password) and serves. The image's own start knows no users. OPERATOR may do everything; the others what
# `tributary topics apply --acl-principal` gives them. deploy/compose and the chart's bundled broker run it, a test does with Kafka's jars.
set -euo pipefail
: "${ADVERTISED:?host:port that clients reach it by}"
USERS=${USERS:-/run/secrets/kafka}
OPERATOR=${OPERATOR:-tributary-operator}
BIN=${BIN:-/opt/kafka/bin}
DATA=${DATA:-/var/lib/kafka/data}
LISTEN=${LISTEN:-:9092}
CONTROLLER=${CONTROLLER:-127.0.0.1:9093}
CLUSTER_ID=${CLUSTER_ID:-Tributary000000000000A}
login='org.apache.kafka.common.security.scram.ScramLoginModule required'
configuration=$(mktemp)

# The controller listens to this container alone, without passwords, which is why its ANONYMOUS may do everything: no client comes in there.
cat >"$configuration" <<EOF
node.id=1
process.roles=broker,controller
listeners=SASL_PLAINTEXT://$LISTEN,CONTROLLER://$CONTROLLER
advertised.listeners=SASL_PLAINTEXT://$ADVERTISED
listener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=SASL_PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@$CONTROLLER
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=$login username="$OPERATOR" password="$(<"$USERS/$OPERATOR")";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:$OPERATOR;User:ANONYMOUS
allow.everyone.if.no.acl.found=false
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.dirs=$DATA
EOF

if [ ! -e "$DATA/meta.properties" ]; then
  users=()
  for file in "$USERS"/*; do
    users+=(--add-scram "SCRAM-SHA-512=[name=$(basename "$file"),password=$(<"$file")]")
  done
  "$BIN/kafka-storage.sh" format "--cluster-id=$CLUSTER_ID" -c "$configuration" "${users[@]}"
fi
exec "$BIN/kafka-server-start.sh" "$configuration"
