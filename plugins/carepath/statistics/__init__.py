"""Published statistics: files that people download, read whole and kept in the warehouse.

A file is recognised by its columns, not by its name. It is added whole or refused whole.
"""

from carepath.statistics.keeping import Added, Kept, add, kept_files, remove
from carepath.statistics.reading import Statistics, read_statistics

__all__ = ["Added", "Kept", "Statistics", "add", "kept_files", "read_statistics", "remove"]
