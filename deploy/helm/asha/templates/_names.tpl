{{/* The name of everything that a release makes. */}}
{{- define "asha.name" -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels by which the pod is found; they never change. */}}
{{- define "asha.selector" -}}
app.kubernetes.io/name: asha
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "asha.labels" -}}
{{ include "asha.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: server
{{- end -}}

{{- define "asha.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* How the kubelet asks: its gRPC probes know no TLS, so with TLS the command asks by the socket. */}}
{{- define "asha.probe" -}}
{{- if .Values.tls.secretName -}}
exec:
  command: [asha, health, --server, "unix:/run/asha/asha.sock"]
{{- else -}}
grpc:
  port: 50051
{{- end -}}
{{- end -}}
