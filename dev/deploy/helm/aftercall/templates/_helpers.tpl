{{- define "aftercall.fullname" -}}
{{- if contains "aftercall" .Release.Name }}{{ .Release.Name | trunc 48 | trimSuffix "-" }}{{ else }}{{ printf "%s-aftercall" (.Release.Name | trunc 38 | trimSuffix "-") }}{{ end }}
{{- end }}

{{- define "aftercall.selector" -}}
app.kubernetes.io/name: aftercall
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "aftercall.labels" -}}
{{ include "aftercall.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "aftercall.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "aftercall.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "aftercall.fullname" .) }}
{{- end }}

{{- define "aftercall.configMap" -}}
{{ .Values.existingConfigMap | default (printf "%s-config" (include "aftercall.fullname" .)) }}
{{- end }}

{{- define "aftercall.secret" -}}
{{ .Values.secret.existing | default (printf "%s-env" (include "aftercall.fullname" .)) }}
{{- end }}

{{/* A value as text. Whole numbers of a file of values are floats here. */}}
{{- define "aftercall.text" -}}
{{ if kindIs "float64" . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* The variables of one process, from a list of root and process. */}}
{{- define "aftercall.env" -}}
{{- $root := index . 0 }}
{{- $process := index . 1 }}
{{- $values := index $root.Values $process }}
{{- $env := dict
  "AFTERCALL_CONFIG" "/etc/aftercall/aftercall.yaml"
  "AFTERCALL_ADMIN_LISTEN" ":9090"
  "AFTERCALL_TASK_QUEUE" $root.Values.temporal.taskQueue
  "TEMPORAL_ADDRESS" $root.Values.temporal.address
  "TEMPORAL_NAMESPACE" $root.Values.temporal.namespace }}
{{- with $root.Values.temporal.uiURL }}{{ $_ := set $env "AFTERCALL_TEMPORAL_UI_URL" . }}{{ end }}
{{- if eq $process "starter" }}{{ $_ := set $env "AFTERCALL_LISTEN" ":8080" }}{{ end }}
{{- if $values.deployment }}
{{- $_ := set $env "AFTERCALL_DEPLOYMENT" $values.deployment }}
{{- $_ := set $env "AFTERCALL_BUILD_ID" $values.buildID }}
{{- end }}
{{- $env = mergeOverwrite $env $root.Values.env $values.env }}
{{- range $name, $value := $env }}
- name: {{ $name }}
  value: {{ include "aftercall.text" $value | quote }}
{{- end }}
{{- if and (dig "limits" "memory" "" $values.resources) (not (hasKey $env "GOMEMLIMIT")) }}
# Go collects garbage more often near the limit, instead of being killed at it.
- name: GOMEMLIMIT
  valueFrom: {resourceFieldRef: {resource: limits.memory}}
{{- end }}
{{- end }}

{{/* Whether the worker's ledger is a SQLite file, as far as the values tell. Refuses a second worker. */}}
{{- define "aftercall.sqlite" -}}
{{- $worker := .Values.worker }}
{{- if hasPrefix "sqlite:" (merge (dict) $worker.env .Values.env | dig "LEDGER_URL" "") }}
{{- $why := "only one worker can have the SQLite file of LEDGER_URL" }}
{{- if gt (int $worker.replicas) 1 }}
{{- fail (printf "worker.replicas is %d, but %s: set it to 1, or let LEDGER_URL name a PostgreSQL server" (int $worker.replicas) $why) }}
{{- end }}
{{- if $worker.keda.enabled }}
{{- fail (printf "worker.keda.enabled is true, but %s: set it to false, or let LEDGER_URL name a PostgreSQL server" $why) }}
{{- end }}
sqlite
{{- end }}
{{- end }}

{{/* A container of aftercall without its probes, from a list of root, process and arguments. */}}
{{- define "aftercall.container" -}}
{{- $root := index . 0 }}
{{- $process := index . 1 }}
image: {{ include "aftercall.image" $root }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
args: {{ toJson (index . 2) }}
env:
  {{- include "aftercall.env" (list $root $process) | nindent 2 }}
envFrom:
  - secretRef: {name: {{ include "aftercall.secret" $root }}}
resources: {{- toYaml (index $root.Values $process).resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: config, mountPath: /etc/aftercall, readOnly: true}
  {{- with $root.Values.volumeMounts }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end }}

{{/* What pods have besides their containers. */}}
{{- define "aftercall.pod" -}}
serviceAccountName: {{ include "aftercall.serviceAccount" . }}
automountServiceAccountToken: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
volumes:
  - name: config
    configMap: {name: {{ include "aftercall.configMap" . }}}
  {{- with .Values.volumes }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end }}

{{/* The Deployment of one process, from a list of root and process. */}}
{{- define "aftercall.deployment" -}}
{{- $root := index . 0 }}
{{- $process := index . 1 }}
{{- $values := index $root.Values $process }}
{{- $scaled := eq $process "starter" | ternary $root.Values.starter.autoscaling.enabled $root.Values.worker.keda.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "aftercall.fullname" $root }}-{{ $process }}
  labels:
    {{- include "aftercall.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ $process }}
spec:
  {{- if not $scaled }}
  replicas: {{ $values.replicas }}
  {{- end }}
  {{- if and (eq $process "worker") (include "aftercall.sqlite" $root) }}
  strategy: {type: Recreate}
  {{- else }}
  # A new pod is ready before an old one stops.
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  {{- end }}
  selector:
    matchLabels:
      {{- include "aftercall.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ $process }}
  template:
    metadata:
      labels:
        {{- include "aftercall.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ $process }}
      annotations:
        # The file is read at the start.
        checksum/config: {{ sha256sum $root.Values.config }}
        {{- with $values.podAnnotations }}{{ toYaml . | nindent 8 }}{{ end }}
    spec:
      {{- include "aftercall.pod" $root | nindent 6 }}
      terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "aftercall.selector" $root | nindent 14 }}
              app.kubernetes.io/component: {{ $process }}
      {{- with $values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ $process }}
          {{- include "aftercall.container" (list $root $process (list $process)) | nindent 10 }}
          ports:
            {{- if eq $process "starter" }}
            - {name: callbacks, containerPort: 8080}
            {{- end }}
            - {name: admin, containerPort: 9090}
          # What a process waits for does not come back with a restart of the process.
          startupProbe:
            exec: {command: [/usr/local/bin/aftercall, health, {{ $process }}, --live]}
            timeoutSeconds: 5
            periodSeconds: 2
            failureThreshold: 30
          livenessProbe:
            httpGet: {path: /healthz, port: admin}
            timeoutSeconds: 5
            periodSeconds: 10
            failureThreshold: 6
          # Out of service within AFTERCALL_DRAIN.
          readinessProbe:
            httpGet: {path: /readyz, port: admin}
            timeoutSeconds: 5
            periodSeconds: 2
            failureThreshold: 2
{{- end }}
