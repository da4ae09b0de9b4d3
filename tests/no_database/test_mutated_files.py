"""Broken files do no harm: none crashes, none is half loaded, and what leaves no doubt is read.

`CAREPATH_MUTATIONS=10000` in the environment tries that many files of each kind, and
`CAREPATH_MUTATIONS_FROM=10000` begins with that number: other numbers are other files.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from mutated_files import ANY, MUTATIONS, REFUSED, SAME, judge, mutant_of

COUNT = int(os.environ.get("CAREPATH_MUTATIONS", "100"))
FIRST = int(os.environ.get("CAREPATH_MUTATIONS_FROM", "0"))


@pytest.mark.parametrize("kind", MUTATIONS)
def test_mutated_files_are_refused_or_loaded_whole(tmp_path: Path, kind: str) -> None:
    wrong: list[str] = []
    fates: Counter[str] = Counter()
    for number in range(FIRST, FIRST + COUNT):
        folder = tmp_path / str(number)
        mutant = mutant_of(kind, number, folder)
        fates[mutant.fate] += 1
        if found := judge(mutant, folder):
            wrong.append(f"{kind} {number} ({mutant.fate}): {found}")
        shutil.rmtree(folder)
    assert not wrong, f"{len(wrong)} of {COUNT} {kind}:\n" + "\n".join(wrong[:10])
    assert {SAME, REFUSED, ANY} <= set(fates)
