"""The demonstration: invented boroughs, their four nights, and the comparison with RR1034.

RR1034 is the evaluation report of Face to Face Pathways (Department for Education, July 2020). The
generator invents a recording system whose records carry the figures of that report.
"""
