"""Messages are full sentences, however their parts were written."""

from __future__ import annotations

import pickle

import pytest

from carepath.cli import subject_of
from carepath.errors import CarepathError, GateHeldError, SettingsError, SourceError
from carepath.sources.postgres import SourceBusyError


@pytest.mark.parametrize("what", ["the night is over", "the night is over."])
@pytest.mark.parametrize("todo", ["run it again", "run it again."])
def test_message_parts_become_sentences_that_do_not_run_together(what: str, todo: str) -> None:
    assert str(CarepathError(what, where="E09900001", todo=todo)) == (
        "E09900001: the night is over. What to do: run it again."
    )
    assert str(CarepathError(what, todo=todo)) == ("The night is over. What to do: run it again.")


def test_question_keeps_its_mark_and_a_message_survives_another_process() -> None:
    error = SettingsError("is it there?", where="sources.yml")
    assert str(error) == "sources.yml: is it there?"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (SourceError("It is down", where="source ashmere"), "Source ashmere: It is down."),
        (SourceError("no source is listed"), "Source: No source is listed."),
        (SourceBusyError("It is locked", where="source ashmere"), "Source ashmere: It is locked."),
        (SourceError("It is down", where="sources.yml"), "Source: sources.yml: It is down."),
        (GateHeldError("The figures are held"), "Gate held: The figures are held."),
        (CarepathError("It failed", where="carepath"), "Carepath: It failed."),
    ],
)
def test_message_on_the_terminal_says_once_what_it_is_about(
    error: CarepathError, shown: str
) -> None:
    assert "".join(subject_of(error)) == shown
