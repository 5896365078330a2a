"""The paper as a PDF: ``python .ci/paper.py``; needs the packages pypandoc-binary and typst."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pypandoc
import typst

FOLDER = Path(__file__).parents[1] / "paper"


def main() -> None:
    """Write paper.pdf beside paper.md: Pandoc reads the text and the citations, Typst sets it."""
    text = pypandoc.convert_file(
        str(FOLDER / "paper.md"),
        "typst",
        extra_args=[
            "--citeproc",
            f"--bibliography={FOLDER / 'paper.bib'}",
            "--standalone",
            "--metadata=author:The chirospin developers",
        ],
    )
    with tempfile.NamedTemporaryFile("w", suffix=".typ", dir=FOLDER, encoding="utf-8") as source:
        source.write(text)
        source.flush()
        typst.compile(source.name, output=str(FOLDER / "paper.pdf"))


if __name__ == "__main__":
    main()
