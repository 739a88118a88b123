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

{{- define "tributary.kafkaEnv" -}}
- { name: KAFKA_BROKERS, value: {{ include "tributary.brokers" . | quote }} }
{{- with .Values.kafka.topicPrefix }}
- { name: TRIBUTARY_TOPIC_PREFIX, value: {{ . | quote }} }
{{- end }}
{{- end -}}

{{- define "tributary.serviceEnv" -}}
{{ include "tributary.kafkaEnv" . }}
- { name: TRIBUTARY_SOURCE, value: {{ .Values.source }} }
- { name: TRIBUTARY_LOG_LEVEL, value: {{ .Values.logLevel }} }
- { name: TRIBUTARY_METRICS_HOST, value: 0.0.0.0 }
- { name: TRIBUTARY_METRICS_PORT, value: "9464" }
{{- end -}}

{{- define "tributary.clickhouseEnv" -}}
{{- $secret := .Values.clickhouse.secret -}}
- { name: CLICKHOUSE_URL, value: {{ include "tributary.clickhouseUrl" . | quote }} }
- { name: CLICKHOUSE_DATABASE, value: {{ .Values.clickhouse.database | quote }} }
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
