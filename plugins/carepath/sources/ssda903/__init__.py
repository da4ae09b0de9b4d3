"""The SSDA903 return (looked-after children) as a source: CSV and XML files, or a zip of them.

`layout.yml` gives the columns of the return's tables, and `mapping.yml` says how they become tables
of the contract. docs/sources_ssda903.md explains both.
"""

from carepath.sources.ssda903.source import KIND, READER, Ssda903Session, Ssda903Source

__all__ = ["KIND", "READER", "Ssda903Session", "Ssda903Source"]
