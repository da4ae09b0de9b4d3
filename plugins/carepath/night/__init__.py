"""A night: its steps, how it records itself, and how only one runs at a time.

`steps` has one function for each step of dags/nightly_load.py; `record` writes the night
into ops.runs and ops.run_steps; `lock` lets one night at a time work on the warehouse.
"""
