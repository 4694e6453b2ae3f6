"""What the user waits and pays for, measured against a baseline in the same run."""
