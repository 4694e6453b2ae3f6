{{/* The labels by which a component's pods are found; they never change. */}}
{{- define "todo.selector" -}}
app.kubernetes.io/name: {{ .name }}
{{- end }}

{{/* Labels of an object; give (dict "root" $ "name" NAME "role" ROLE). */}}
{{- define "todo.labels" -}}
app.kubernetes.io/name: {{ .name }}
{{- with .role }}
app.kubernetes.io/component: {{ . }}
{{- end }}
app.kubernetes.io/part-of: todo
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "todo.secretName" -}}
{{- .Values.secret.existingSecret | default "backend-secrets" }}
{{- end }}

{{/* A variable from the Secret; give (dict "root" $ "key" KEY). */}}
{{- define "todo.fromSecret" -}}
- name: {{ .key }}
  valueFrom:
    secretKeyRef:
      name: {{ include "todo.secretName" .root }}
      key: {{ .key }}
{{- end }}

{{/* A variable from the ConfigMap; give the key. */}}
{{- define "todo.fromConfig" -}}
- name: {{ . }}
  valueFrom:
    configMapKeyRef:
      name: backend-config
      key: {{ . }}
{{- end }}

{{/* Whether a component is scaled by its load; give (dict "root" $ "name" NAME). */}}
{{- define "todo.autoscaled" -}}
{{- if and .root.Values.autoscaling.enabled (has .name .root.Values.autoscaling.components) }}true{{ end }}
{{- end }}
