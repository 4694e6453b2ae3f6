"""Conversations as tables."""
