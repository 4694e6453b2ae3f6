"""The MCP tools: one module a group, each tool a function with a typed input; no logic beyond calling an operation."""
