"""The todo application's backend: tasks over REST, and a chat agent that works on them."""
