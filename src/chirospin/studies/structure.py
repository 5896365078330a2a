"""A molecule as strokes along its hops, from the side and from the end."""

from __future__ import annotations

import numpy as np
import xarray as xr

from chirospin.base.figures import Panel, Plot
from chirospin.models.model import OneElectronModel, molecule_of

DRAWN = 1e-6  # of the largest hop

STRUCTURE = Plot(
    columns=2,
    panels=(
        Panel(source="side", x="x", y="z", title="side"),
        Panel(source="end", x="x", y="y", title="end"),
    ),
)


def structure(model: OneElectronModel) -> dict[str, xr.Dataset]:
    """Lines between the sites that hops join, x against z and x against y, nm."""
    built = molecule_of(model)
    size = len(built.sites)
    hops = np.abs(built.hamiltonian.reshape(size, 2, size, 2)).max(axis=(1, 3))
    site = np.array(built.sites)
    joined = {
        tuple(sorted((int(site[i]), int(site[j]))))
        for i, j in np.argwhere(hops > DRAWN * hops.max())
        if site[i] != site[j]
    }
    gap = np.full((1, 3), np.nan)
    strokes = [np.concatenate([built.positions[list(pair)], gap]) for pair in sorted(joined)]
    x, y, z = np.concatenate(strokes).T
    length = {"units": "nm"}
    at = {"x": ("x", x, {"symbol": "x", **length})}
    return {
        "side": xr.Dataset({"z": ("x", z, {"symbol": "z", **length})}, at),
        "end": xr.Dataset({"y": ("x", y, {"symbol": "y", **length})}, at),
    }
