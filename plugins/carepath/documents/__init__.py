"""What Carepath writes for people, and for dbt: pages, pictures and the staging models.

Each module collects the facts of one document; `templates/` holds its words and its layout.
`carepath docs` writes all of it (`generated.py`).
"""
