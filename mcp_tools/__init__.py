"""Shipmate: the hands. Operations on Kubernetes, offered as MCP tools; imports nothing from `assistant`."""
