"""Builds that fail: read from their logs, explained, and tried again with a patch."""
