"""Tutorials as notebooks with what they gave: the run that makes a page of the site writes its notebook as well."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from quiet_gallery import ORDER
from sphinx.errors import ExtensionError

AFTER_THE_GALLERY = 900  # priority; the gallery itself has the default, 500
CELL = re.compile(
    r"^\.\. code-block:: Python$(.*?)(?=^\.\. GENERATED|^\.\. _sphx_glr_download)", re.M | re.S
)
PRINTED = re.compile(r"^ \.\. code-block:: none\n\n((?:    .*\n|\n)+)", re.M)
PICTURE = re.compile(r"^\.\. image-sg:: /(\S+)", re.M)
ROLE = re.compile(r":doc:`/(?:\w+/)*(\w+)`")


def outputs(cell: str, number: int, source: Path) -> Iterator[dict[str, Any]]:
    """What a cell printed, and its figures, as a notebook holds them."""
    for printed in PRINTED.findall(cell):
        yield {
            "output_type": "stream",
            "name": "stdout",
            "text": dedent(printed).strip("\n") + "\n",
        }
    for picture in PICTURE.findall(cell):
        coded = b64encode((source / picture).read_bytes()).decode()
        yield {
            "output_type": "execute_result",
            "execution_count": number,
            "data": {"image/png": coded, "text/plain": "<Figure>"},
            "metadata": {},
        }


def filled(notebook: dict[str, Any], page: str, source: Path) -> dict[str, Any]:
    """A notebook with the outputs of the page that was made by running it."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    ran = CELL.findall(page)
    if len(code) != len(ran):
        raise ExtensionError(f"{len(ran)} cells were run, the notebook has {len(code)}")
    for number, (cell, text) in enumerate(zip(code, ran, strict=True), 1):
        cell |= {"execution_count": number, "outputs": list(outputs(text, number, source))}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = [ROLE.sub(r"`\1`", text) for text in cell["source"]]
    if not any(cell["outputs"] for cell in code):
        raise ExtensionError("no cell printed or drew anything")
    return notebook


def fill_notebooks(app: Any) -> None:
    """Put outputs into every tutorial's notebook, and the notebook into its archive."""
    source = Path(app.srcdir)
    for name in ORDER:
        place = source / "tutorials" / f"{name}.ipynb"
        notebook = json.loads(place.read_text(encoding="utf-8"))
        page = place.with_suffix(".rst").read_text(encoding="utf-8")
        text = json.dumps(filled(notebook, page, source), indent=1, ensure_ascii=False)
        place.write_text(text + "\n", encoding="utf-8")
        with ZipFile(place.with_suffix(".zip"), "w", ZIP_DEFLATED) as archive:
            for file in (place.with_suffix(".py"), place):
                archive.write(file, file.name)


def setup(app: Any) -> dict[str, Any]:
    app.connect("builder-inited", fill_notebooks, priority=AFTER_THE_GALLERY)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
