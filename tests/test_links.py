"""Every link on a page leads somewhere: to a file of this repository, a heading of it, or an address of a paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [  # that are written, not built
    *ROOT.glob("*.md"),
    *(ROOT / ".github").glob("**/*.md"),
    *ROOT.glob("paper/*.md"),
    *(
        p
        for p in ROOT.glob("docs/**/*.*")
        if p.suffix in (".md", ".rst") and not {"_build", "api", "tutorials"} & set(p.parts)
    ),
]
LINK = re.compile(r"\]\(([^)\s]+)\)|:link: (\S+)|:doc:`(?:[^`<]*<)?([^`>]+)>?`|:img-top: (\S+)")
ELSEWHERE = re.compile(r"[a-z]+:")
WRITTEN = {
    "tutorials": "gallery/{}.py",
    "api": "",
    "images": "",
}  # when the site is built, from these
CODE = re.compile(r"^```.*?^```|`[^`\n]+`(?!_)", re.M | re.S)


def links(page: Path) -> Iterator[str]:
    text = page.read_text(encoding="utf-8")
    for found in LINK.finditer(text):
        yield next(group for group in found.groups() if group)


def headings(page: Path) -> set[str]:
    """Anchors as GitHub and MyST make them."""
    lines = re.findall(r"^#+ (.+)$", CODE.sub(lambda m: m[0].strip("`"), page.read_text()), re.M)
    return {
        re.sub(r"[^\w\- ]", "", line.lower()).strip().replace(" ", "-") for line in lines
    } | set(re.findall(r"^\(([\w-]+)\)=$", page.read_text(), re.M))


def leads_somewhere(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    place = (ROOT / "docs" / name[1:]) if name.startswith("/") else page.parent / name
    if name and place.parent.name in WRITTEN:
        source = WRITTEN[place.parent.name].format(place.stem)
        return place.stem == "index" or not source or (ROOT / "docs" / source).is_file()
    ends = (
        [place, *(place.with_name(place.name + end) for end in (".md", ".rst"))] if name else [page]
    )
    file = next((end for end in ends if end.exists()), None)
    return file is not None and (not anchor or file.suffix != ".md" or anchor in headings(file))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_link_is_dead(page: Path) -> None:
    dead = [t for t in links(page) if not ELSEWHERE.match(t) and not leads_somewhere(page, t)]
    assert not dead


def test_a_dead_link_is_found() -> None:
    page = ROOT / "README.md"
    assert not leads_somewhere(page, "docs/nowhere.md")
    assert not leads_somewhere(page, "docs/map.md#nowhere")
    assert not leads_somewhere(ROOT / "docs" / "start.md", "tutorials/nowhere")
    assert leads_somewhere(page, "docs/map.md#map")
