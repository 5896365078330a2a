"""The sample that ships with the package: made, not measured; one real effect and one artefact."""

from __future__ import annotations

from importlib.resources import files

import xarray as xr

from chirospin.measured.description import Description
from chirospin.measured.reading import curves_dataset

NAME = "example.csv"
ABOUT = (
    "A sample made for this page, not measured: mc-AFM curves of R, S and achiral contacts, a real effect of P = 0.5 at "
    "1 V that grows with the bias, and one artefact: 2 pA more in every curve with magnetisation up."
)


def example() -> xr.Dataset:
    """The curves of the sample, read as any file is."""
    raw = files("chirospin.measured").joinpath(NAME).read_bytes()
    return curves_dataset({NAME: raw}, Description(magnetised="tip", bias_at="sample"))
