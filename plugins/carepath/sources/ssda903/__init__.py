"""The SSDA903 return (looked-after children) as a source: a folder of CSV files.

`layout.yml` says what the return's tables look like, `mapping.yml` how they become tables of the
contract; docs/sources_ssda903.md tells the rest.
"""

from carepath.sources.ssda903.source import Ssda903Session, Ssda903Source

__all__ = ["Ssda903Session", "Ssda903Source"]
