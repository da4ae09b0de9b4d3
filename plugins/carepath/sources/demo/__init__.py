"""The demonstration's recording system: invented boroughs whose records carry the report."""

from carepath.sources.demo.dirt import DirtRates
from carepath.sources.demo.report import ReportFigure, report_figures
from carepath.sources.demo.system import advance, fill, sources

__all__ = [
    "DirtRates",
    "ReportFigure",
    "advance",
    "fill",
    "report_figures",
    "sources",
]
