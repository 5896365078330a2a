"""A figure that a notebook shows; matplotlib's own is shown only where its pyplot was imported."""

from __future__ import annotations

from io import BytesIO

from matplotlib.figure import Figure

PIXELS = 96  # of a page, per inch
SHARP = 2  # pixels of a picture for one of the page


class ShownFigure(Figure):
    """A figure with a picture of itself for IPython."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        from chirospin.base.figures import journal_style

        stream = BytesIO()
        with journal_style():
            self.savefig(stream, format="png", dpi=SHARP * PIXELS, bbox_inches=None)
        width, height = self.get_size_inches()
        return stream.getvalue(), {"width": round(PIXELS * width), "height": round(PIXELS * height)}
