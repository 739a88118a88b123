#!/bin/sh
# Makes the secrets of a deployment that are not there yet: deploy/secrets.sh [FOLDER], by default deploy/secrets. What is there stays.
#
#   kafka/tributary-SERVICE       a password for each user of the broker; `operator` makes topics and gives rights
#   clickhouse/username, password
#   access/tokens                 who may read and operate the page and SignalService; the token of each in access/read, access/operate
#   grafana/password
#
# deploy/compose reads these files. For Kubernetes: kubectl create secret generic tributary-NAME --from-file=FOLDER/NAME
set -eu
folder="${1:-$(dirname "$0")/secrets}"

# Nobody else on this machine gets through the folder itself; inside a container, whose user has another number, a file has to be readable.
mkdir -p "$folder"
chmod 700 "$folder"
umask 022
mkdir -p "$folder/kafka" "$folder/clickhouse" "$folder/access" "$folder/grafana"

# What the command on standard input prints, into a file that is there whole or not at all.
keep() {
  [ -s "$folder/$1" ] || { cat >"$folder/$1.part" && mv "$folder/$1.part" "$folder/$1"; }
}
random() {
  openssl rand -hex 24
}

for service in operator ingest context clock features inference evaluation paper parity rollout archive gateway models bots; do
  random | tr -d '\n' | keep "kafka/tributary-$service"
done
printf tributary | keep clickhouse/username
random | tr -d '\n' | keep clickhouse/password
random | tr -d '\n' | keep grafana/password
random | tr -d '\n' | keep access/read
random | tr -d '\n' | keep access/operate
printf 'read %s\noperate %s\n' "$(cat "$folder/access/read")" "$(cat "$folder/access/operate")" | keep access/tokens
