"""The warehouse itself: embedded PostgreSQL, roles, migrations and dbt runs."""
