"""The encrypted door: readers on other machines reach the embedded PostgreSQL through it (ADR 26).

`server` is the program, `startup` the first messages of PostgreSQL's protocol, `certificate` what
the door shows to readers, `admission` who may come in.
"""
