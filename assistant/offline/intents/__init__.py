"""The grammar, one module a family; each takes a shape and gives a step, or None where it is not meant."""
