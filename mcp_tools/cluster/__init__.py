"""Reaching a cluster: which one, the connection to it, what it serves, and fast reads."""
