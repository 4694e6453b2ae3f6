"""Tasks: what a user wants to do."""
