{{- define "innominatus.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "innominatus.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "innominatus.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "innominatus.selectorLabels" -}}
app.kubernetes.io/name: {{ include "innominatus.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "innominatus.labels" -}}
{{ include "innominatus.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "innominatus.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "innominatus.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* "true" where all replicas share a PostgreSQL server, else empty. */}}
{{- define "innominatus.sharedDatabase" -}}
{{- if .Values.database.existingSecret -}}true{{- end -}}
{{- range .Values.extraEnv -}}
{{- if or (eq .name "DATABASE_URL") (eq .name "DATABASE_URL_FILE") -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{/* What could not work, refused before anything is installed. */}}
{{- define "innominatus.refuse" -}}
{{- if not (include "innominatus.sharedDatabase" .) -}}
{{- if gt (int .Values.replicaCount) 1 -}}
{{- fail "replicaCount is more than 1, but the embedded database is for one process: set database.existingSecret to a Secret with DATABASE_URL, or replicaCount to 1" -}}
{{- end -}}
{{- if .Values.autoscaling.enabled -}}
{{- fail "autoscaling is enabled, but the embedded database is for one process: set database.existingSecret to a Secret with DATABASE_URL, or disable autoscaling" -}}
{{- end -}}
{{- if not .Values.persistence.enabled -}}
{{- fail "persistence is disabled, but the embedded database is the record of what exists and would be lost with the pod: enable persistence, or set database.existingSecret" -}}
{{- end -}}
{{- end -}}
{{- end -}}
