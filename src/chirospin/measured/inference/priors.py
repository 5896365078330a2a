"""Priors: where a parameter may lie before the curves are seen, each with its source."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Real = NDArray[np.float64]
Kind = Literal["uniform", "log", "half-normal"]


@dataclass(frozen=True, kw_only=True)
class Prior:
    """A prior of one parameter.

    Parameters
    ----------
    low, high : ends; of a half-normal one ``high`` is its scale
    """

    name: str
    unit: str
    low: float
    high: float
    kind: Kind
    source: str

    def value(self, share: Real) -> Real:
        """The parameter below which a share of the prior lies."""
        share = np.asarray(share, dtype=float)
        if self.kind == "log":
            return np.asarray(self.low * (self.high / self.low) ** share)
        if self.kind == "half-normal":
            return np.asarray(self.high * ndtri((1 + np.minimum(share, 1 - 1e-12)) / 2))
        return np.asarray(self.low + (self.high - self.low) * share)

    @property
    def words(self) -> str:
        """The range in words."""
        if self.kind == "half-normal":
            return f"half-normal {self.high:g}"
        return f"{self.low:g} .. {self.high:g}" + (" log" if self.kind == "log" else "")


SHARE_SPREAD = 1 / np.sqrt(12)
"""Standard deviation of a share that is not determined."""


def values(priors: tuple[Prior, ...], shares: Real) -> Real:
    """Parameters at shares of the prior, (..., parameter)."""
    return np.stack([p.value(shares[..., n]) for n, p in enumerate(priors)], axis=-1)


@cache
def phenomenological(name: str) -> Prior:
    """A prior of the table."""
    text = files("chirospin.measured.inference").joinpath("ranges.toml").read_text("utf-8")
    rows = {row["name"]: row for row in tomllib.loads(text)["prior"]}
    return Prior(**rows[name])
