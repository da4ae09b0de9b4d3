"""Publication: marts made equal to the build, and back again."""

from carepath.publish.authorities import only_authority
from carepath.publish.publication import Publication, publish, publish_many, rollback
from carepath.publish.tables import MartTable, mart_tables

__all__ = [
    "MartTable",
    "Publication",
    "mart_tables",
    "only_authority",
    "publish",
    "publish_many",
    "rollback",
]
