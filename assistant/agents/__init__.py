"""Agents as configuration: who does what with which tools, under which policy, and when."""
