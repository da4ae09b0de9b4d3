"""The contract with a source: what a recording system must deliver."""
