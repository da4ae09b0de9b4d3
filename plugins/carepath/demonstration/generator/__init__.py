"""The generator of the demonstration: an invented recording system for each authority."""

from carepath.demonstration.generator.dirt import DirtRates
from carepath.demonstration.generator.system import advance, fill, sources

__all__ = ["DirtRates", "advance", "fill", "sources"]
