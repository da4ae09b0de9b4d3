"""The lists of Annex A, which Ofsted asks for when it announces an inspection."""

from carepath.annex_a.export import Exported, export

__all__ = ["Exported", "export"]
