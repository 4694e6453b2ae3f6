"""An inventory written down in the two formats of bills of materials."""
