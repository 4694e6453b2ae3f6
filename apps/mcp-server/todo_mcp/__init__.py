"""The todo application's MCP server: tools that work on one user's tasks."""
