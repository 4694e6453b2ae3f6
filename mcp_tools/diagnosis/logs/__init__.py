"""What thousands of log lines say, in a dozen: pure functions over lines that were bounded and redacted before."""
