{{/* The settings of a role's pods; what `env` names goes before what the chart computes. Called with root and role. */}}
{{- define "sign.env" -}}
{{- $values := .root.Values -}}
{{- $role := index $values .role -}}
{{- $kept := ternary "/kept" "/data" (ne (include "sign.claim" .root) "") -}}
{{- $env := dict
  "SIGN_HOST" "0.0.0.0"
  "SIGN_PORT" "8000"
  "SIGN_MODEL_STORE" (ternary "/models" "/app/model_store" (ne $values.modelStoreClaim ""))
  "SIGN_MODEL_POLL_S" $values.modelPollS
  "SIGN_MODEL_MEMORY_BYTES" (mul 1073741824 (int64 $values.modelMemory))
  "SIGN_MEDIA_DIR" "/data/media"
  "SIGN_JOBS_DIR" (printf "%s/jobs" $kept)
  "SIGN_TEACH_DIR" (printf "%s/taught" $kept)
  "SIGN_SLOTS" $role.slots
  "SIGN_STREAM_SLOTS" (include "sign.streamSlots" .)
  "SIGN_SHUTDOWN_DELAY_S" $role.shutdownDelayS
  "SIGN_GRACE_S" $role.graceS
-}}
{{- if eq .role "jobs" }}{{ $_ := set $env "SIGN_JOBS_SLOTS" $role.slots }}
{{- else if or $values.jobs.enabled (and (eq .role "stream") $values.postgres.secret) }}{{ $_ := set $env "SIGN_JOBS_SLOTS" "0" }}
{{- else if eq .role "stream" }}{{ $_ := set $env "SIGN_JOBS_DIR" "/data/jobs" }}{{ end -}}
{{- if $values.ingress.enabled }}{{ $_ := set $env "SIGN_ALLOWED_HOSTS" $values.ingress.host }}{{ end -}}
{{- with $values.ingress.proxies }}{{ $_ := set $env "SIGN_FORWARDED_ALLOW_IPS" . }}{{ end -}}
{{- with $values.s3.url }}{{ $_ := set $env "SIGN_JOBS_STORE_URL" . }}{{ end -}}
{{- with $values.s3.region }}{{ $_ := set $env "AWS_DEFAULT_REGION" . }}{{ end -}}
{{- with $values.s3.endpoint }}{{ $_ := set $env "AWS_ENDPOINT_URL" . }}{{ end -}}
{{- range list $values.env $role.env }}{{ range $name, $value := . }}{{ $_ := set $env $name $value }}{{ end }}{{ end -}}
{{- range $name, $value := $env }}
- {name: {{ $name }}, value: {{ toString $value | quote }}}
{{- end }}
{{- with $values.postgres }}{{ if .secret }}
- name: SIGN_JOBS_DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ .secret }}, key: {{ .key }}}}
{{- end }}{{ end }}
{{- with $values.keys }}{{ if and .secret .api }}
- name: SIGN_API_KEYS
  valueFrom: {secretKeyRef: {name: {{ .secret }}, key: {{ .api }}}}
{{- end }}{{ if and .secret .admin }}
- name: SIGN_ADMIN_KEYS
  valueFrom: {secretKeyRef: {name: {{ .secret }}, key: {{ .admin }}}}
{{- end }}{{ end }}
{{- if and $values.s3.url $values.s3.secret }}
{{- range list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ . }}
  valueFrom: {secretKeyRef: {name: {{ $values.s3.secret }}, key: {{ . }}}}
{{- end }}
{{- end }}
{{- end }}

{{/* A core and 1 GiB for each process that reads media or follows a live session; models, and 1 GiB for the rest, on top. */}}
{{- define "sign.resources" -}}
{{- $role := index .root.Values .role -}}
{{- $processes := add $role.slots (include "sign.streamSlots" . | int) -}}
{{- $memory := printf "%dMi" (mul 1024 (add $processes .root.Values.modelMemory 1)) -}}
{{- $limits := dict "cpu" (add $processes 1 | toString) "memory" $memory -}}
{{- $requests := dict "cpu" (toString $processes) "memory" $memory -}}
{{- if $role.gpu }}{{ $_ := set $limits "nvidia.com/gpu" (toString $role.gpu) }}{{ end -}}
{{- toYaml (merge dict $role.resources (dict "limits" $limits "requests" $requests)) -}}
{{- end }}

{{/* A role's pod. */}}
{{- define "sign.pod" -}}
{{- $values := .root.Values -}}
{{- $role := index $values .role -}}
{{- $claim := include "sign.claim" .root -}}
{{- if and (eq .role "stream") (not $values.postgres.secret) }}{{ $claim = "" }}{{ end -}}
metadata:
  labels:
    {{- include "sign.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
spec:
  serviceAccountName: {{ include "sign.name" .root }}
  automountServiceAccountToken: false
  enableServiceLinks: false  # SIGN_… of Services named like us would be taken for settings
  shareProcessNamespace: true  # the pause container collects what ends, as compose's init does
  # preStop, the delay, the grace time, and a moment to end: a kill before that cuts answers off.
  terminationGracePeriodSeconds: {{ add 5 $role.shutdownDelayS $role.graceS 10 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- with $values.imagePullSecrets }}
  imagePullSecrets: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with $role.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- with $role.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with $role.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "sign.selector" .root | nindent 10 }}
          app.kubernetes.io/component: {{ .role }}
  containers:
    - name: sign
      image: "{{ $role.repository | default $values.image.repository }}:{{ $values.image.tag | default .root.Chart.AppVersion }}"
      imagePullPolicy: {{ $values.image.pullPolicy }}
      ports: [{name: http, containerPort: 8000}]
      env: {{- include "sign.env" . | nindent 8 }}
      resources: {{- include "sign.resources" . | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      startupProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: 90
      readinessProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 5
        timeoutSeconds: 4
        failureThreshold: 2
      livenessProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      # Proxies learn meanwhile that the pod goes. Then SIGTERM: /readyz says 503, and all else is answered for shutdownDelayS.
      lifecycle: {preStop: {sleep: {seconds: 5}}}
      volumeMounts:
        - {name: data, mountPath: /data}
        - {name: tmp, mountPath: /tmp}
        {{- if $claim }}
        - {name: kept, mountPath: /kept}
        {{- end }}
        {{- if $values.modelStoreClaim }}
        - {name: models, mountPath: /models, readOnly: true}
        {{- end }}
  volumes:
    - name: data
      emptyDir: {sizeLimit: {{ $values.scratch }}}
    - name: tmp
      emptyDir: {medium: Memory, sizeLimit: 256Mi}
    {{- if $claim }}
    - name: kept
      persistentVolumeClaim: {claimName: {{ $claim }}}
    {{- end }}
    {{- if $values.modelStoreClaim }}
    - name: models
      persistentVolumeClaim: {claimName: {{ $values.modelStoreClaim }}, readOnly: true}
    {{- end }}
{{- end }}
