"""Gate 1: judges one authority's records in staging by the rules in expectations/."""
