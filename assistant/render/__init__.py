"""The only place that knows about terminals: consoles, tables, diffs, progress."""
