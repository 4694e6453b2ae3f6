"""The chat: an agent that works on the user's tasks."""
