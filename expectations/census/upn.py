"""Unique pupil numbers: a check letter, the authority that gave it, and nine more characters."""

from __future__ import annotations

from expectations.sql import listed

# I, O and S are left out, because they look like 1, 0 and 5
LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"

# the authorities since April 1998, and the pseudo authorities, of rule 1530
_AUTHORITIES = (
    "001-005 201-213 301-320 330-336 340-344 350-359 370-373 380-384 390-394 420 660-681 701-708 "
    "800-803 805-808 810-813 815 816 820-823 825 826 830 831 835-837 838-839 840 841 845 846 "
    "850-852 855-857 860 861 865-896 908 909 916 919 921 925 926 928 929 931 933 935-938 940-941"
)
# the last character is a digit, or a letter in a temporary number
SHAPE = f"^[A-Z][0-9]{{11}}[0-9{LETTERS}]$"


def authorities() -> tuple[str, ...]:
    """Return the codes that a number may have in places 2 to 4."""
    found = []
    for part in _AUTHORITIES.split():
        first, _, last = part.partition("-")
        found += [f"{code:03}" for code in range(int(first), int(last or first) + 1)]
    return tuple(found)


def is_of_no_authority(column: str) -> str:
    """Return the SQL condition that places 2 to 4 are not the code of an authority."""
    return f"substr({column}, 2, 3) not in ({listed(authorities())})"


def has_wrong_letter(column: str) -> str:
    """Return the SQL condition that the first letter is not the one that the others give.

    The letter is that of the weighted sum of places 2 to 13, each times its place, modulo 23. A
    number that is not of the right shape has no sum: other rules report it.
    """
    total = " + ".join(
        f"{place} * (strpos('0123456789', substr({column}, {place}, 1)) - 1)"
        for place in range(2, 13)
    )
    last = (
        f"13 * (case when substr({column}, 13, 1) between '0' and '9'"
        f" then strpos('0123456789', substr({column}, 13, 1))"
        f" else strpos('{LETTERS}', substr({column}, 13, 1)) end - 1)"
    )
    return (
        f"case when {column} ~ '^.[0-9]{{11}}[0-9{LETTERS}]$'"
        f" then left({column}, 1) <> substr('{LETTERS}', (({total} + {last}) % 23) + 1, 1)"
        " else false end"
    )
