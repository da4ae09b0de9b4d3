"""Links of the pages to files, headings and anchors of this checkout: each leads somewhere."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from carepath.settings import get_settings

ROOT = get_settings().project_root
FENCED = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


def pages() -> list[Path]:
    """Return the Markdown files that git knows, or all where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [ROOT / name for name in listed.stdout.splitlines()]


@cache
def anchors(page: Path) -> set[str]:
    """Return what a link to a page may name after #, as GitHub makes it of the headings."""
    text = page.read_text(encoding="utf-8")
    found: set[str] = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    times: Counter[str] = Counter()
    for heading in HEADING.findall(FENCED.sub("", text)):
        plain = LINK.sub("]", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found.add(f"{anchor}-{times[anchor]}" if times[anchor] else anchor)
        times[anchor] += 1
    return found


def broken_links(page: Path) -> list[str]:
    """Return the relative links of a page that lead to no file or no anchor of one."""
    broken = []
    for link in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z][a-z+.-]*:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        found = anchors(target) if target.is_file() else set()
        if not target.exists() or (anchor and anchor not in found):
            broken.append(link)
    return broken


def test_links_of_every_page_lead_somewhere() -> None:
    assert ROOT / "README.md" in pages()
    broken = {page.relative_to(ROOT).as_posix(): broken_links(page) for page in pages()}
    assert {page: links for page, links in broken.items() if links} == {}


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("[here](other.md#the-plan-at-a-date)", []),
        ("[here](#a-page) and [there](https://example.org/x.md)", []),
        ("[here](other.md#the-plan)", ["other.md#the-plan"]),
        ("[here](gone.md)", ["gone.md"]),
        ("```\n[here](gone.md)\n```", []),
    ],
)
def test_links_are_told_apart(tmp_path: Path, text: str, broken: list[str]) -> None:
    (tmp_path / "other.md").write_text("## The plan, at a `date`\n")
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\n{text}\n")

    assert broken_links(page) == broken
