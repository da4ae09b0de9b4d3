"""One person: where the warehouse holds something about them, and all of it in one file."""

from carepath.person.copies import ABOUT_NOBODY, PARENTS, Place, Subject, find_person, places
from carepath.person.export import Export, export_person

__all__ = [
    "ABOUT_NOBODY",
    "PARENTS",
    "Export",
    "Place",
    "Subject",
    "export_person",
    "find_person",
    "places",
]
