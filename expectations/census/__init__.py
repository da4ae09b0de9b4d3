"""The Department's rules of the children in need census, 2025 to 2026, one module per subject.

The census of a night is that of its year: 1 April to 31 March. It has the cases that were not
closed before 1 April, with what was done on them, and each rule judges only these records
(`is_in_census`). A date that "must be in the census year" fails if it is after 31 March: what
ended before 1 April is not returned.

The rules say what the Department's texts mean. Where the texts leave room, the entry says how they
were read. The second example that passes, or the second that fails, is one that a naive reading
gets wrong.
"""
