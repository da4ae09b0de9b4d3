"""The children in need (CIN) census as a source: XML files of one collection.

`census.xsd` gives the layout of each collection year, and `mapping.yml` says how the census becomes
tables of the contract. docs/sources_cin_census.md explains both.
"""

from carepath.sources.cin_census.source import KIND, READER, CinCensusSession, CinCensusSource

__all__ = ["KIND", "READER", "CinCensusSession", "CinCensusSource"]
