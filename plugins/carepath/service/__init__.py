"""Airflow as Carepath runs it.

Airflow's metadata live in database `airflow`. Its pages listen on 127.0.0.1 only, behind FAB's
log-in. Its logs are files below <home>/logs/airflow.

- configuration: the environment of every Airflow process, and its metadata database
- accounts: who may log in to Airflow's pages
- processes: the four services, started and stopped
- night_run: one night from the command line
- alerts: messages to people about a night that was not published
- digest: what each team has to put right, sent after a night
"""
