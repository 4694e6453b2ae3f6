"""The one path by which anything changes: plan, dry run, diff, approval, apply, watch, roll back, journal, undo."""
