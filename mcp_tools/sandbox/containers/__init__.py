"""What simulated containers do: which images exist, how they start, what they log, how they fail."""
