"""Alerts: rules held against what is observed, again and again, and what was raised told to whoever wants to know."""
