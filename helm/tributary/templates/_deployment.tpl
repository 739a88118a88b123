{{/*
One service: (dict "root" $ "component" "ingest" "service" "ingest-kraken" "settings" {…} "args" […] "ports" {name: number} …).
`store` = it uses ClickHouse; `access` = it lets callers in; `trust` = it loads bundles; `secret` = name of a Secret whose entries are variables; `history` = it folds candles first; `recreate` = never two at once; `readiness` = path; `drain` = callers
are given time to leave; `slow` = it may take a day until it is ready.
*/}}
{{- define "tributary.deployment" -}}
{{- $root := .root }}{{ $settings := .settings }}{{ $values := $root.Values -}}
{{- $scaling := $settings.autoscaling | default dict -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "tributary.name" $root }}-{{ .service }}
  labels:
    {{- include "tributary.labels" . | nindent 4 }}
spec:
  {{- if not $scaling.enabled }}
  replicas: {{ $settings.replicas | default 1 }}
  {{- end }}
  revisionHistoryLimit: 5
  {{- if .slow }}
  progressDeadlineSeconds: 86400
  {{- end }}
  strategy:
    {{- if .recreate }}
    type: Recreate
    {{- else }}
    type: RollingUpdate
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }
    {{- end }}
  selector:
    matchLabels:
      {{- include "tributary.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "tributary.labels" . | nindent 8 }}
      {{- with $settings.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "tributary.name" $root }}-{{ .component }}
      {{- include "tributary.podSecurity" $root | nindent 6 }}
      # A service drains within ten seconds.
      terminationGracePeriodSeconds: 30
      {{- include "tributary.spread" . | nindent 6 }}
      {{- with $settings.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $settings.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if .history }}
      initContainers:
        - {{- include "tributary.historyContainer" (dict "root" $root "days" $values.history.days "export" true) | nindent 10 }}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ include "tributary.image" (dict "root" $root "image" dict) }}
          imagePullPolicy: {{ $values.image.pullPolicy }}
          args:
            {{- toYaml .args | nindent 12 }}
          env:
            {{- include "tributary.serviceEnv" (dict "root" $root "user" .component) | nindent 12 }}
            {{- if .store }}
            {{- include "tributary.clickhouseEnv" $root | nindent 12 }}
            {{- end }}
            {{- if .access }}
            {{- include "tributary.accessEnv" $root | nindent 12 }}
            {{- end }}
            {{- if .trust }}
            {{- include "tributary.trustEnv" $root | nindent 12 }}
            {{- end }}
            {{- range $name, $value := $settings.env | default dict }}
            - { name: {{ $name }}, value: {{ $value | quote }} }
            {{- end }}
          {{- with .secret }}
          envFrom:
            - secretRef: { name: {{ . }} }
          {{- end }}
          ports:
            - { name: metrics, containerPort: 9464 }
            {{- range $name, $port := .ports | default dict }}
            - { name: {{ $name }}, containerPort: {{ $port }} }
            {{- end }}
          startupProbe:
            httpGet: { path: /healthz, port: metrics }
            periodSeconds: 2
            failureThreshold: 60
          livenessProbe:
            httpGet: { path: /healthz, port: metrics }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: { path: {{ .readiness | default "/readyz" }}, port: metrics }
            periodSeconds: 5
            timeoutSeconds: 5
          {{- if .drain }}
          lifecycle:
            # Callers hear that it goes before it goes.
            preStop: { exec: { command: [sleep, '5'] } }
          {{- end }}
          {{- include "tributary.containerSecurity" $root | nindent 10 }}
          resources:
            {{- toYaml $settings.resources | nindent 12 }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            {{- if .history }}
            - { name: work, mountPath: /var/lib/tributary, readOnly: true }
            {{- end }}
            {{- include "tributary.secretMounts" (dict "root" $root "kafka" true "store" .store "access" .access) | nindent 12 }}
      volumes:
        - { name: tmp, emptyDir: { sizeLimit: 256Mi } }
        {{- if .history }}
        - { name: work, emptyDir: { sizeLimit: 4Gi } }
        {{- end }}
        {{- include "tributary.secretVolumes" (dict "root" $root "kafka" true "store" (or .store .history) "access" .access) | nindent 8 }}
{{- end -}}

{{/* The public half of the operator's key: without it no bundle loads, and inference says so in every abstention. */}}
{{- define "tributary.trustEnv" -}}
- name: TRIBUTARY_BUNDLE_TRUST
  valueFrom: { secretKeyRef: { name: {{ .Values.signing.secretName }}, key: operator.pem.pub, optional: true } }
{{- end -}}
