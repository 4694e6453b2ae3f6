"""Right-sizing: from what was measured to requests, limits and replicas, with reasons, and to the change itself."""
