"""What can be wrong, as functions over an observation: one module a family; rules name them and give them figures."""
