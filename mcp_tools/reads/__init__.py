"""What can be asked of a cluster without changing it: each question one module, each answer plain, bounded data."""
