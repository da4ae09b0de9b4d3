"""The Power BI project that Carepath writes: a semantic model (TMDL) and a report (PBIR).

`catalogue` says what the marts hold, `sources` which of them the model has and how they relate,
`dax` the measures, `tmdl` and `report` the files, `project` the folder, and `checking` compares
model, report and catalogue.
"""
