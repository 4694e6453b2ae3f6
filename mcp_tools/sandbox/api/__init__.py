"""The HTTP face of the sandbox: routing, verbs, content negotiation, discovery, tables, watches."""
