"""The user's Docker engine: what runs on it, what is wrong with it, and its changes."""
