"""Where a legend stands, and signs for what a set of axes leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LISTED = 5  # series whose legend fits inside
ROOM = 0.5  # of the height of the axes: a legend that takes more stands beside them
GAP = 0.04  # of that height, between curves and a legend above them


def free_legends(figure: Figure, axes: Iterable[Axes]) -> None:
    """A legend for each of these axes that covers no curve: where there is room, else above the curves, else beside."""
    placed = [(ax, ax.legend()) for ax in axes]
    if not placed:
        return
    figure.draw_without_rendering()  # places them
    for ax, legend in placed:
        box = legend.get_window_extent()
        rows = ax.yaxis_inverted()
        if not rows and not any(_crosses(line, box) for line in _curves(ax)):
            continue
        share = box.height / ax.get_window_extent().height + GAP
        if share < ROOM and not rows:
            _raise_top(ax, share)
            ax.legend(loc="upper left")
        else:
            ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)


def shared_legend(figure: Figure, axes: Sequence[Axes], columns: int) -> None:
    """One legend for several axes, each series once: inside the first where it is short, else below."""
    handles: dict[str, Any] = {}
    for ax in axes:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    if not handles:
        return
    own = len(axes[0].get_legend_handles_labels()[1])
    if len(figure.axes) <= 2 and len(handles) <= LISTED and own == len(handles):
        free_legends(figure, axes[:1])
        return
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower center",
        ncols=min(len(handles), 2 * columns if columns < 3 else 6),
    )


def marked_cuts(ax: Axes) -> None:
    """A triangle at the edge where a curve goes on beyond the limits of the axis."""
    low, high = ax.get_ylim()
    scale = ax.yaxis.get_transform().transform
    for line in _curves(ax):
        x, y = (np.asarray(values, dtype=float) for values in line.get_data())
        for beyond, edge, marker in ((y > high, high, "^"), (y < low, low, "v")):
            for at in _places(x, scale(y), float(scale(edge)), beyond):
                ax.plot(
                    [at], [edge], marker=marker, ms=3, mew=0, color=line.get_color(), clip_on=False
                )


def _places(x: Any, y: Any, edge: float, beyond: Any) -> list[float]:
    """The middle of each stretch beyond an edge; of one that reaches the end, where it begins."""
    flags = np.concatenate([[False], beyond, [False]]).astype(int)
    starts, stops = np.flatnonzero(np.diff(flags) == 1), np.flatnonzero(np.diff(flags) == -1)
    places = []
    for start, stop in zip(starts, stops, strict=True):
        crossings = [
            float(np.interp(edge, *_ascending(y[[a, b]], x[[a, b]])))
            for a, b in ((start - 1, start), (stop - 1, stop))
            if a >= 0 and b < len(x) and np.isfinite(y[[a, b]]).all()
        ]
        if crossings:
            places.append(sum(crossings) / len(crossings))
    return places


def _ascending(y: Any, x: Any) -> tuple[Any, Any]:
    order = np.argsort(y)
    return y[order], x[order]


def _curves(ax: Axes) -> list[Any]:
    return [line for line in ax.get_lines() if line.get_zorder() > 0]


def _raise_top(ax: Axes, share: float) -> None:
    """Make this share of the height free above all that is drawn."""
    transform = ax.yaxis.get_transform()
    low, high = (float(v) for v in transform.transform(np.array(ax.get_ylim())))
    raised = transform.inverted().transform(np.array([low + (high - low) / (1 - share)]))
    ax.set_ylim(top=float(raised[0]))


def _crosses(line: Any, box: Any) -> bool:
    """Whether a curve runs through a box, in pixels."""
    points = line.get_transform().transform(np.asarray(line.get_xydata(), dtype=float))
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < 2 or line.get_linestyle() == "None":
        return any(box.contains(*point) for point in points)
    fine = np.linspace(0, len(points) - 1, 20 * len(points))
    x, y = (np.interp(fine, np.arange(len(points)), points[:, k]) for k in (0, 1))
    return bool(((x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)).any())
