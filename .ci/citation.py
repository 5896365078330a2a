"""The references of CITATION.cff from the bibliography, a paper for each study: ``python .ci/citation.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from chirospin.base.citations import bibliography, unbraced
from chirospin.studies.registry import keys

FILE = Path(__file__).parents[1] / "CITATION.cff"
NAMES = {"title": "title", "note": "notes", "journal": "journal", "volume": "volume", "doi": "doi"}


def reference(key: str) -> dict[str, Any]:
    """An entry of the bibliography as a reference of the citation file format."""
    entry = bibliography()[key]
    fields = unbraced(entry)
    found: dict[str, Any] = {
        "type": "article" if {"journal", "eprint"} & set(fields) else "unpublished",
        "authors": [
            {
                "family-names": " ".join(person.last_names),
                "given-names": " ".join(person.first_names + person.middle_names),
            }
            for person in entry.persons["author"]
        ],
    }
    found |= {ours: fields[theirs] for theirs, ours in NAMES.items() if theirs in fields}
    if "pages" in fields:
        found["start"] = fields["pages"]
    if "year" in fields:
        found["year"] = int(fields["year"])
    if "eprint" in fields:
        found["identifiers"] = [{"type": "other", "value": f"arXiv:{fields['eprint']}"}]
    return found


def cited() -> str:
    """The file with its references written anew."""
    head = FILE.read_text(encoding="utf-8").partition("references:\n")[0]
    references = [reference(key) for key in keys(of_papers=True)]
    return head + yaml.safe_dump({"references": references}, sort_keys=False, allow_unicode=True)


if __name__ == "__main__":
    FILE.write_text(cited(), encoding="utf-8")
