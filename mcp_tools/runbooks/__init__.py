"""Runbooks: procedures that people read as Markdown, and whose steps are tools."""
