"""The rules of the gate, one module per domain, and their register."""
