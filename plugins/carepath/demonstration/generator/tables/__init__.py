"""The tables of the recording system, by domain."""
