"""Where alerts are told: one module a place, each with its own queue, so that none waits for another."""
