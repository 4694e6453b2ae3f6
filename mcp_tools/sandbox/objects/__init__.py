"""Kubernetes objects as plain data, and the API server's rules for them: schema, defaults, validation, merging."""
