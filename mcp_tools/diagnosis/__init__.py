"""The cause of what is wrong, with its evidence, found by rules over one snapshot of the cluster."""
