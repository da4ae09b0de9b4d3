"""One person: where the warehouse holds something about them, and all of it in one file."""

from carepath.person.copies import (
    ABOUT_NOBODY,
    PARENTS,
    Place,
    Subject,
    UnknownPersonError,
    find_person,
    places,
)
from carepath.person.export import Export, UnknownPeopleError, export_people, export_person

__all__ = [
    "ABOUT_NOBODY",
    "PARENTS",
    "Export",
    "Place",
    "Subject",
    "UnknownPeopleError",
    "UnknownPersonError",
    "export_people",
    "export_person",
    "find_person",
    "places",
]
