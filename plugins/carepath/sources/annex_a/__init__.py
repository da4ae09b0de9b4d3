"""The lists of Annex A (Ofsted's inspection of children's services) as files of a source.

`layout.yml` gives headings and words as departments write them, and `mapping.yml` says how the
lists become tables of the contract. docs/sources_files.md explains both.
"""

from carepath.sources.annex_a.source import READER, AnnexASession

__all__ = ["READER", "AnnexASession"]
