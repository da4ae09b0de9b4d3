"""The gate: rules, results, decisions and the stewards' work list."""
