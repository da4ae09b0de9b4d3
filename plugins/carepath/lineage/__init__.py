"""What each mart, and each of its columns, comes from.

The desk shows it, and the documents describe columns with it.

- reading: the tables by dbt's manifest, and the columns by `columns.csv`
- columns: writes `columns.csv` from the SQL that dbt compiles
"""
