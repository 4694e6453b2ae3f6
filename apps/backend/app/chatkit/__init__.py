"""The same agent and the same conversations, for OpenAI's ChatKit panel."""
