"""A stack of molecules in space as a plotly figure: atoms, bonds, orbitals, spin-orbit vectors as arrows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.molecule.kohn_sham import StackState
from chirospin.molecule.stack import Site
from chirospin.molecule.structure import bonded_atoms
from chirospin.molecule.surface import cloud

Array = NDArray[np.float64]
ARROW = 2.5  # angstrom: length of the longest vector
HEAD = 0.28  # of an arrow
LEVEL = 0.25  # of an orbital's largest value: where its surface is drawn
SIGNS = [[0.0, "#2471a3"], [1.0, "#c0392b"]]  # of an orbital: blue below, red above
ORBITALS = ("a", "b")
HEIGHT = 520  # pixels


def scene(state: StackState) -> dict[str, Any]:
    """The figure of a stack as plotly's JSON; angstrom, the stacking axis along z."""
    return {
        "data": [
            *_axis(state.sites),
            *_molecules(state.sites),
            *_orbitals(state),
            *_arrows(state.sites, state.matrices.vectors),
        ],
        "layout": {
            "height": HEIGHT,
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "paper_bgcolor": "#ffffff",
            "legend": {"itemsizing": "constant", "x": 0.01, "y": 0.99},
            "scene": {
                "aspectmode": "data",
                "camera": {"projection": {"type": "orthographic"}},
                **{f"{k}axis": {"title": {"text": f"{k} (Å)"}} for k in "xyz"},
            },
        },
    }


def _columns(points: Array) -> dict[str, list[float | None]]:
    """Coordinates as plotly wants them; a row of not-a-number breaks a line."""
    rows = np.round(points, 3)
    return {k: [None if np.isnan(x) else float(x) for x in rows[:, n]] for n, k in enumerate("xyz")}


def _line(points: Array, name: str, colour: str, width: float, **more: Any) -> dict[str, Any]:
    return {
        "type": "scatter3d",
        "mode": "lines",
        "name": name,
        "hoverinfo": "skip",
        "line": {"color": colour, "width": width},
        **_columns(points),
        **more,
    }


def _axis(sites: Sequence[Site]) -> Iterator[dict[str, Any]]:
    z = np.concatenate([site.structure.positions for site in sites])[:, 2]
    ends = np.array([[0, 0, z.min() - 1.5], [0, 0, z.max() + 1.5]])
    yield _line(ends, "stacking axis", "#8c8c8c", 2, line={"color": "#8c8c8c", "dash": "dash"})


def _molecules(sites: Sequence[Site]) -> Iterator[dict[str, Any]]:
    from ase.data import covalent_radii
    from ase.data.colors import jmol_colors

    for n, site in enumerate(sites):
        one = site.structure
        broken = np.full(3, np.nan)
        bonds = [
            row
            for i, j in np.argwhere(np.triu(bonded_atoms(one)))
            for row in (one.positions[i], one.positions[j], broken)
        ]
        yield _line(np.array(bonds).reshape(-1, 3), "bonds", "#5c5c5c", 5, showlegend=False)
        colours = [f"rgb{tuple((255 * jmol_colors[Z]).astype(int).tolist())}" for Z in one.numbers]
        yield {
            "type": "scatter3d",
            "mode": "markers",
            "name": f"molecule {n + 1}",
            "text": [f"{symbol} {k + 1}" for k, symbol in enumerate(one.symbols)],
            "hoverinfo": "text",
            "showlegend": False,
            "marker": {
                "color": colours,
                "size": (12 * covalent_radii[one.numbers] + 3).round(1).tolist(),
                "line": {"color": "#333333", "width": 1},
            },
            **_columns(one.positions),
        }


def _orbitals(state: StackState) -> Iterator[dict[str, Any]]:
    """Surfaces of both orbitals on every molecule; b waits in the legend."""
    theory = state.first.state.theory
    for n, site in enumerate(state.sites):
        found = cloud(site, theory)
        for k, name in enumerate(ORBITALS):
            values = found.values[k]
            level = LEVEL * float(np.abs(values).max())
            yield {
                "type": "isosurface",
                "name": f"orbital {name}",
                "legendgroup": name,
                "showlegend": n == 0,
                "visible": True if name == "a" else "legendonly",
                "isomin": -level,
                "isomax": level,
                "surface": {"count": 2},
                "caps": {axis: {"show": False} for axis in "xyz"},
                "colorscale": SIGNS,
                "showscale": False,
                "opacity": 0.35,
                "hoverinfo": "skip",
                "value": np.round(values, 4).tolist(),
                **_columns(found.points),
            }


def _arrows(sites: Sequence[Site], vectors: Array) -> Iterator[dict[str, Any]]:
    """Spin-orbit vectors from the middle of each molecule, the longest of them two and a half angstrom."""
    longest = float(np.linalg.norm(vectors, axis=1).max(initial=0.0))
    if longest == 0:
        return
    for n, (site, vector) in enumerate(zip(sites, vectors, strict=True)):
        start = site.structure.positions.mean(axis=0)
        step = ARROW * vector / longest
        size = f"{1e3 * float(np.linalg.norm(vector)):.3g} meV"
        group = {"legendgroup": "vectors", "name": "spin-orbit vectors"}
        shaft = np.array([start, start + (1 - HEAD) * step])
        yield _line(shaft, group["name"], "#111111", 8, legendgroup="vectors", showlegend=n == 0)
        yield {
            "type": "cone",
            **group,
            "showlegend": False,
            "showscale": False,
            "colorscale": [[0, "#111111"], [1, "#111111"]],
            "sizemode": "absolute",
            "sizeref": HEAD * ARROW,
            "anchor": "tip",
            "text": f"molecule {n + 1}: |Λ| = {size}",
            "hoverinfo": "text",
            **_columns((start + step)[None]),
            **{k: [float(x)] for k, x in zip("uvw", HEAD * step, strict=True)},
        }
