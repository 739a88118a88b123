{{/* Names, labels, and what every container has in common. */}}

{{- define "tributary.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* (dict "root" $ "component" "features" "service" "features") */}}
{{- define "tributary.selector" -}}
app.kubernetes.io/name: tributary
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- with .service }}
tributary-service: {{ . }}
{{- end }}
{{- end -}}

{{- define "tributary.labels" -}}
{{ include "tributary.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* (dict "root" $ "image" .Values.image) */}}
{{- define "tributary.image" -}}
{{- $fallback := .root.Values.image -}}
{{- $repository := .image.repository | default $fallback.repository -}}
{{- if .image.digest -}}
{{ $repository }}@{{ .image.digest }}
{{- else if .image.repository -}}
{{ $repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- else if $fallback.digest -}}
{{ $repository }}@{{ $fallback.digest }}
{{- else -}}
{{ $repository }}:{{ $fallback.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "tributary.brokers" -}}
{{- if .Values.kafka.bundled.enabled -}}
{{ include "tributary.name" . }}-kafka:9092
{{- else -}}
{{ required "kafka.brokers: name the brokers of an external Kafka, or set kafka.bundled.enabled" (join "," .Values.kafka.brokers) }}
{{- end -}}
{{- end -}}

{{- define "tributary.clickhouseUrl" -}}
{{- if .Values.clickhouse.bundled.enabled -}}
http://{{ include "tributary.name" . }}-clickhouse:8123
{{- else -}}
{{ required "clickhouse.url: name an external ClickHouse, or set clickhouse.bundled.enabled" .Values.clickhouse.url }}
{{- end -}}
{{- end -}}

{{/* Pod security "restricted", and a group that may write into the pod's volumes. */}}
{{- define "tributary.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "tributary.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end -}}

{{/* What lets a component in: (dict "root" $ "user" "features"); `operator` makes topics and gives rights. */}}
{{- define "tributary.kafkaEnv" -}}
{{- $user := .user }}{{ $kafka := .root.Values.kafka }}{{ $security := $kafka.security }}
{{- $protocol := include "tributary.kafkaProtocol" .root -}}
- { name: KAFKA_BROKERS, value: {{ include "tributary.brokers" .root | quote }} }
- { name: KAFKA_SECURITY_PROTOCOL, value: {{ $protocol }} }
{{- if hasPrefix "SASL" $protocol }}
{{- $name := ternary "tributary-{service}" $security.username $kafka.bundled.enabled | replace "{service}" $user }}
- { name: KAFKA_SASL_MECHANISM, value: {{ ternary "SCRAM-SHA-512" $security.mechanism $kafka.bundled.enabled }} }
- { name: KAFKA_USERNAME, value: {{ $name | quote }} }
- name: KAFKA_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ $security.secretName }}, key: {{ $name | quote }} } }
{{- end }}
{{- if include "tributary.kafkaTls" .root }}
- { name: KAFKA_CA_FILE, value: /etc/tributary/kafka/ca.crt }
{{- if $security.clientCertificate }}
- { name: KAFKA_CERT_FILE, value: /etc/tributary/kafka/tls.crt }
- { name: KAFKA_KEY_FILE, value: /etc/tributary/kafka/tls.key }
{{- end }}
{{- end }}
{{- with $kafka.topicPrefix }}
- { name: TRIBUTARY_TOPIC_PREFIX, value: {{ . | quote }} }
{{- end }}
{{- end -}}

{{- define "tributary.kafkaProtocol" -}}
{{ ternary "SASL_PLAINTEXT" .Values.kafka.security.protocol .Values.kafka.bundled.enabled }}
{{- end -}}

{{/* Not empty where certificates of the brokers are held against an authority of their own. */}}
{{- define "tributary.kafkaTls" -}}
{{- if hasSuffix "SSL" (include "tributary.kafkaProtocol" .) }}{{ .Values.kafka.security.tlsSecretName }}{{ end -}}
{{- end -}}

{{/* Files of secrets, as what a container mounts and what its pod brings: (dict "root" $ "kafka" true "store" true "access" true). */}}
{{- define "tributary.secretMounts" -}}
{{- if and .kafka (include "tributary.kafkaTls" .root) }}
- { name: kafka-tls, mountPath: /etc/tributary/kafka, readOnly: true }
{{- end }}
{{- if and .store .root.Values.clickhouse.tlsSecretName }}
- { name: clickhouse-tls, mountPath: /etc/tributary/clickhouse, readOnly: true }
{{- end }}
{{- if and .access .root.Values.access.tls.secretName }}
- { name: tls, mountPath: /etc/tributary/tls, readOnly: true }
{{- end }}
{{- if and .access .root.Values.access.tokens.secretName }}
- { name: tokens, mountPath: /etc/tributary/access, readOnly: true }
{{- end }}
{{- end -}}

{{- define "tributary.secretVolumes" -}}
{{- if and .kafka (include "tributary.kafkaTls" .root) }}
- { name: kafka-tls, secret: { secretName: {{ include "tributary.kafkaTls" .root }} } }
{{- end }}
{{- if and .store .root.Values.clickhouse.tlsSecretName }}
- { name: clickhouse-tls, secret: { secretName: {{ .root.Values.clickhouse.tlsSecretName }} } }
{{- end }}
{{- if and .access .root.Values.access.tls.secretName }}
- { name: tls, secret: { secretName: {{ .root.Values.access.tls.secretName }} } }
{{- end }}
{{- with .root.Values.access.tokens }}
{{- if and $.access .secretName }}
- { name: tokens, secret: { secretName: {{ .secretName }}, items: [{ key: {{ .key }}, path: tokens }] } }
{{- end }}
{{- end }}
{{- end -}}

{{/* Who is let in where a service listens: flags that stand in the command line, as a list in JSON, … */}}
{{- define "tributary.accessArgs" -}}
{{- $args := list }}
{{- if .Values.access.dangerouslyWithoutAuthentication }}{{ $args = append $args "--dangerously-without-authentication" }}{{ end }}
{{- if .Values.access.dangerouslyWithoutTls }}{{ $args = append $args "--dangerously-without-tls" }}{{ end }}
{{- toJson $args -}}
{{- end -}}

{{/* … and files. */}}
{{- define "tributary.accessEnv" -}}
{{- with .Values.access -}}
{{- if .tokens.secretName }}
- { name: TRIBUTARY_TOKENS_FILE, value: /etc/tributary/access/tokens }
{{- end }}
{{- if .tls.secretName }}
- { name: TRIBUTARY_TLS_CERT_FILE, value: /etc/tributary/tls/tls.crt }
- { name: TRIBUTARY_TLS_KEY_FILE, value: /etc/tributary/tls/tls.key }
{{- with .tls.clientCaKey }}
- { name: TRIBUTARY_TLS_CLIENT_CA_FILE, value: /etc/tributary/tls/{{ . }} }
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* (dict "root" $ "user" …) */}}
{{- define "tributary.serviceEnv" -}}
{{ include "tributary.kafkaEnv" . }}
- { name: TRIBUTARY_SOURCE, value: {{ .root.Values.source }} }
- { name: TRIBUTARY_LOG_LEVEL, value: {{ .root.Values.logLevel }} }
{{- with .root.Values.traces }}
- { name: TRIBUTARY_TRACES, value: {{ . | quote }} }
{{- end }}
- { name: TRIBUTARY_METRICS_HOST, value: 0.0.0.0 }
- { name: TRIBUTARY_METRICS_PORT, value: "9464" }
{{- end -}}

{{- define "tributary.clickhouseEnv" -}}
{{- $secret := .Values.clickhouse.secret -}}
- { name: CLICKHOUSE_URL, value: {{ include "tributary.clickhouseUrl" . | quote }} }
- { name: CLICKHOUSE_DATABASE, value: {{ .Values.clickhouse.database | quote }} }
{{- with .Values.clickhouse.cluster }}
- { name: CLICKHOUSE_CLUSTER, value: {{ . | quote }} }
{{- end }}
{{- if .Values.clickhouse.tlsSecretName }}
- { name: CLICKHOUSE_CA_FILE, value: /etc/tributary/clickhouse/ca.crt }
{{- end }}
- name: CLICKHOUSE_USER
  valueFrom: { secretKeyRef: { name: {{ $secret.name }}, key: {{ $secret.userKey }} } }
- name: CLICKHOUSE_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ $secret.name }}, key: {{ $secret.passwordKey }} } }
{{- end -}}

{{/* Every instrument of every venue, once. */}}
{{- define "tributary.allSymbols" -}}
{{- $all := .Values.symbols -}}
{{- range .Values.ingest.venues }}{{ $all = concat $all (.symbols | default list) }}{{ end -}}
{{ $all | uniq | join "," }}
{{- end -}}

{{- define "tributary.venues" -}}
{{- $names := list -}}
{{- range .Values.ingest.venues }}{{ $names = append $names .name }}{{ end -}}
{{ $names | join "," }}
{{- end -}}

{{/*
Candles into the store, and with `export` into /var/lib/tributary: (dict "root" $ "days" 7 "export" true). What the store has already is enough
where a venue does not answer: then the file is there although the command failed, and training says itself whether there is too little.
*/}}
{{- define "tributary.historyContainer" -}}
name: history
image: {{ include "tributary.image" (dict "root" .root "image" dict) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
command: [sh, -c, 'node /app/bin/tributary.js "$@" || {{ ternary "test -s /var/lib/tributary/candles.csv.gz" "true" .export }}', tributary]
args:
  - backfill
  - --venues
  - {{ include "tributary.venues" .root | quote }}
  - --symbols
  - {{ include "tributary.allSymbols" .root | quote }}
  - --days
  - {{ .days | quote }}
  {{- if .export }}
  - --export
  - /var/lib/tributary/candles.csv.gz
  {{- end }}
  - --context-sources
  - none
env:
  {{- include "tributary.clickhouseEnv" .root | nindent 2 }}
{{ include "tributary.containerSecurity" .root }}
resources:
  requests: { cpu: 100m, memory: 256Mi }
  limits: { memory: 1Gi }
volumeMounts:
  - { name: tmp, mountPath: /tmp }
  - { name: work, mountPath: /var/lib/tributary }
  {{- include "tributary.secretMounts" (dict "root" .root "store" true) | nindent 2 }}
{{- end -}}

{{/* (dict "root" $ "component" …) */}}
{{- define "tributary.spread" -}}
{{- $root := .root }}{{ $component := .component -}}
topologySpreadConstraints:
{{- range .root.Values.topologySpread.keys }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: {{ $root.Values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "tributary.selector" (dict "root" $root "component" $component) | nindent 8 }}
{{- end }}
{{- end -}}

{{/* Of a pod that trains networks on a GPU. */}}
{{- define "tributary.gpuNodes" -}}
{{- with .Values.training.gpu.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.training.gpu.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "tributary.cudaCache" -}}
name: cuda-cache
{{- if .Values.training.gpu.cudaCacheClaim }}
persistentVolumeClaim: { claimName: {{ .Values.training.gpu.cudaCacheClaim }} }
{{- else }}
emptyDir: { sizeLimit: {{ .Values.training.gpu.cudaCacheSize }} }
{{- end }}
{{- end -}}
