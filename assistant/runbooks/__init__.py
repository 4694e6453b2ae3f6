"""Runbooks at work: carried out step by step through the toolbox, and told."""
