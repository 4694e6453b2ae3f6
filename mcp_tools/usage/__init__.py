"""What containers and nodes use of CPU and memory: at this moment, and as it is kept over time."""
