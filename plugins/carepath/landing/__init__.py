"""Landing and history: tonight's delivery as sent, and every version ever seen."""

from carepath.landing.delivery import Load, LoadResult, TableDelivery
from carepath.landing.load import load_source

__all__ = ["Load", "LoadResult", "TableDelivery", "load_source"]
