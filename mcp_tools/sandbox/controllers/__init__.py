"""The control loops of the sandbox, one module each; `ALL` in `manager` lists them."""
