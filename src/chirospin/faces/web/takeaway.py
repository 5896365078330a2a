"""What a page gives away: data, figure."""

from __future__ import annotations

import tempfile
from pathlib import Path

from chirospin.base import results
from chirospin.base.errors import ModelError
from chirospin.base.figures import draw
from chirospin.faces.web.curves import printed_figure
from chirospin.faces.web.worker import Answer, picture

KINDS = ("nc", "pdf", "png")


def file_name(answer: Answer, kind: str) -> str:
    """Problem and observable, as a file."""
    question = answer.question
    return "-".join(filter(None, (question.problem, question.observable))) + f".{kind}"


def file_bytes(answer: Answer, kind: str) -> bytes:
    """The answer as .nc, .pdf or .png.

    Raises
    ------
    ModelError : a figure of a single point, or another kind of file
    """
    if kind not in KINDS:
        raise ModelError(f"The page gives away {', '.join(KINDS)}")
    if kind == "nc":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "result.nc"
            results.save(answer.ds, path)
            return path.read_bytes()
    if answer.question.view == "point":
        raise ModelError("One point has no figure; choose curve or map")
    plot, data = printed_figure(answer.question, answer.ds)
    return picture(draw(plot, data), kind)
