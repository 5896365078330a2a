"""Tutorials show what a notebook would: figures that were drawn, in the order of the families."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

ORDER = ("junction", "chiral_metal", "vibration", "spinterface", "rashba")
RESOLUTION = 220
_SHOWN: set[int] = set()


class TutorialOrder:
    """Sorts the scripts of the gallery as the families are sorted everywhere else."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, name: str) -> int:
        return ORDER.index(Path(name).stem)

    def __repr__(self) -> str:
        return "<TutorialOrder>"


def drawn_figures(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save every figure that this block has bound to a name."""
    found = {
        id(value): value
        for value in block_vars["example_globals"].values()
        if isinstance(value, Figure)
    }
    new = [figure for key, figure in found.items() if key not in _SHOWN]
    _SHOWN.update(found)
    paths = []
    for figure in new:
        path = next(block_vars["image_path_iterator"])
        figure.savefig(path, dpi=RESOLUTION)
        paths.append(path)
    return figure_rst(paths, gallery_conf["src_dir"])


def setup(app: Any) -> dict[str, Any]:
    return {"parallel_read_safe": True, "parallel_write_safe": True}
