"""Helm releases: read from where Helm keeps them, changed by the user's own `helm` inside the one transaction."""
