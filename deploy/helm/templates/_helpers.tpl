{{/* The release's name, as objects begin with it. */}}
{{- define "sign.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* What selects all pods of this release; those of one role have `component` besides. */}}
{{- define "sign.selector" -}}
app.kubernetes.io/name: sign-service
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "sign.labels" -}}
{{ include "sign.selector" . }}
app.kubernetes.io/part-of: sign
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end }}

{{/* The roles that have pods, as a list in JSON; service is always one. */}}
{{- define "sign.roles" -}}
{{- $roles := list "service" -}}
{{- if .Values.stream.enabled }}{{ $roles = append $roles "stream" }}{{ end -}}
{{- if .Values.jobs.enabled }}{{ $roles = append $roles "jobs" }}{{ end -}}
{{- toJson $roles -}}
{{- end }}

{{/* Live sessions that a pod of a role takes: none of service where they have pods of their own. */}}
{{- define "sign.streamSlots" -}}
{{- $values := index .root.Values .role -}}
{{- if and (eq .role "service") .root.Values.stream.enabled }}0{{ else }}{{ $values.streamSlots }}{{ end -}}
{{- end }}

{{/* Whether the pods keep things on a volume: they do where there is no store, and one is wanted. */}}
{{- define "sign.claim" -}}
{{- if and .Values.persistence.enabled (not .Values.s3.url) -}}
{{- .Values.persistence.claim | default (printf "%s-kept" (include "sign.name" .)) -}}
{{- end -}}
{{- end }}

{{/* Whether the next pod can only start when the last one is gone: SQLite serves one process, and a volume one node. */}}
{{- define "sign.alone" -}}
{{- if or (not .Values.postgres.secret) (and (include "sign.claim" .) (ne .Values.persistence.accessMode "ReadWriteMany")) }}yes{{ end -}}
{{- end }}

{{/* What a cluster would only find out when jobs are lost. */}}
{{- define "sign.check" -}}
{{- $values := .Values -}}
{{- $shared := or $values.s3.url (and $values.persistence.enabled (eq $values.persistence.accessMode "ReadWriteMany")) -}}
{{- $several := or $values.jobs.enabled (gt (int $values.service.replicas) 1) -}}
{{- if and $several (not $values.postgres.secret) }}
{{- fail "Several pods share jobs through PostgreSQL: set postgres.secret, or service.replicas=1 and jobs.enabled=false." }}
{{- end }}
{{- if and $several (not $shared) }}
{{- fail "Several pods share jobs' media through a store or a volume that many may write: set s3.url, or persistence.accessMode=ReadWriteMany." }}
{{- end }}
{{- if and $values.ingress.enabled (not $values.ingress.host) }}
{{- fail "The ingress needs the name that it is asked as: set ingress.host." }}
{{- end }}
{{- if and $values.keda.jobs.enabled (not $values.jobs.enabled) }}
{{- fail "keda.jobs scales the pods of jobs: set jobs.enabled=true." }}
{{- end }}
{{- if and $values.keda.stream.enabled (not (and $values.stream.enabled $values.keda.stream.prometheus)) }}
{{- fail "keda.stream scales the pods of live sessions by what Prometheus says: set stream.enabled=true and keda.stream.prometheus." }}
{{- end }}
{{- end }}
