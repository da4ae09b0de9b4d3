"""The sets of authorities that the tasks of a night take, and how one's trouble stays its own.

A task takes a set, so that it starts Python and imports its libraries once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from carepath.errors import CarepathError, GateHeldError, NightError, reason
from carepath.settings import get_settings

SETS_OF_A_REGION = 4  # with workers of their own, if no number is set


def divide(sizes: Mapping[str, int], count: int | None = None) -> list[list[str]]:
    """Divide names into sets of about the same size.

    Args:
        sizes: name to its size, such as rows of an authority.
        count: number of sets; by default that of the setting `sets`.

    Returns:
        The sets, each sorted by name; none of them is empty.
    """
    settings = get_settings()
    chosen = count or settings.sets or (1 if settings.broker_url is None else SETS_OF_A_REGION)
    sets: list[list[str]] = [[] for _ in range(min(chosen, len(sizes)))]
    filled = [0] * len(sets)
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        lightest = min(range(len(sets)), key=lambda number: (filled[number], len(sets[number])))
        sets[lightest].append(name)
        filled[lightest] += sizes[name]
    return [sorted(each) for each in sets]


def each_alone(names: Iterable[str], work: Callable[[str], object]) -> dict[str, CarepathError]:
    """Do the work of each name. The others go on if one has trouble.

    Returns:
        name to its trouble.

    Raises:
        NightError: another night has taken over, so that no work may go on.
    """
    troubles = {}
    for name in names:
        try:
            work(name)
        except NightError:
            raise
        except CarepathError as error:
            troubles[name] = error
        except Exception as error:
            todo = "run `carepath doctor`, and read the log of this task."
            troubles[name] = CarepathError(reason(error), where=name, todo=todo)
    return troubles


def tell(troubles: Mapping[str, CarepathError], names: Sequence[str]) -> None:
    """Fail the task of a set if one of its names has trouble.

    Args:
        troubles: name to its trouble.
        names: the whole set.

    Raises:
        CarepathError: it names everyone with trouble and says what to do. It is the trouble itself
            if there is one only, and a GateHeldError if a gate held all of them.
    """
    if len(troubles) == 1:
        raise next(iter(troubles.values()))
    if troubles:
        held = all(isinstance(each, GateHeldError) for each in troubles.values())
        what = "were held" if held else "did not get through"
        said = [f"{len(troubles)} of {len(names)} {what}: {', '.join(troubles)}."]
        said += [str(each) for each in troubles.values()]
        raise (GateHeldError if held else CarepathError)(" | ".join(said))
