"""Models over the OpenAI chat-completions protocol, whoever serves it."""
