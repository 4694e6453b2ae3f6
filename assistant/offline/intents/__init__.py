"""The grammar, one module a family; each takes a sentence and gives a step, or None where it is not meant."""
