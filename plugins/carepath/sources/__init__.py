"""Recording systems: where a night's records come from."""
