"""Sets of current-voltage curves whose truth is known: contacts that scatter, tips, drift, offsets, a real effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chirospin.measured.curves import Curves, blocks_of

GRID = np.round(np.linspace(-1, 1, 21), 10)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What is put into a set; currents in A, biases in V.

    Parameters
    ----------
    contacts : of each magnetisation and enantiomer; each with ``curves`` curves
    polarisation : of R at the largest bias, growing with \\|V\\| from 0; S has its reverse
    alike : share of it in S that has the sign of R
    factor : e-folds of the current of up contacts, at all biases
    between, within, shape : scatter of ln|I| between contacts, of curves, and of the shape at the largest bias
    paired : every contact has both magnetisations
    blocks : runs of one magnetisation, alternating; None: drawn for each contact
    tips : ``one``, or ``each`` magnetisation its own, which scatters by ``tip_scatter``
    drift : e-folds over the set
    offset, bias_offset : of up curves
    lag : current added to forward and taken from backward sweeps of up curves; two directions if not None
    up_scatter : scatter between the up contacts, where it is another
    conductance, bend : G and v of I = G v sinh(V/v)
    saturation : current of a limit that the instrument keeps; ``ceiling`` what is said of it
    """

    contacts: int = 20
    curves: int = 5
    enantiomers: tuple[str, ...] = ("R",)
    polarisation: float = 0.0
    alike: bool = False
    factor: float = 0.0
    between: float = 1.1
    within: float = 0.45
    shape: float = 0.25
    paired: bool = False
    blocks: int | None = None
    tips: str = "one"
    tip_scatter: float = 0.0
    drift: float = 0.0
    offset: float = 0.0
    bias_offset: float = 0.0
    lag: float | None = None
    up_scatter: float | None = None
    conductance: float = 100e-12
    bend: float = 0.4
    noise: float = 0.1e-12
    floor: float = 0.5e-12
    ceiling: float = np.inf
    saturation: float = np.inf
    grid: tuple[float, ...] = tuple(GRID)


def made(truth: Truth, seed: int) -> Curves:
    """One set of curves."""
    random = np.random.default_rng(seed)
    parts = [_enantiomer(truth, name, random) for name in truth.enantiomers]
    whole = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return Curves(
        bias=np.array(truth.grid),
        floor=truth.floor,
        ceiling=truth.ceiling,
        block=blocks_of(whole["order"], whole["enantiomer"], whole["magnetisation"], whole["tip"]),
        **whole,
    )


def _enantiomer(truth: Truth, name: str, random: np.random.Generator) -> dict[str, Any]:
    V = np.array(truth.grid)
    n = truth.contacts if truth.paired else 2 * truth.contacts
    up = _ups(truth, n, random)
    contact = np.repeat(np.arange(n), truth.curves)
    ups = np.repeat(up, truth.curves)
    if truth.paired:
        contact = np.concatenate([contact, contact])
        ups = np.concatenate([np.ones(len(ups), bool), np.zeros(len(ups), bool)])
    scatter = np.where(up, truth.up_scatter or truth.between, truth.between)
    level = (scatter * random.normal(size=n))[contact]
    directions = ("forward", "backward") if truth.lag is not None else ("",)
    curves = len(contact)
    order = np.arange(curves) if not truth.paired else np.tile(np.arange(curves // 2), 2) * 2 + ~ups
    tip = np.where(ups, "A", "B") if truth.tips == "each" else np.full(curves, "A")
    tips = dict(zip("AB", truth.tip_scatter * random.normal(size=2), strict=True))
    level = level + np.array([tips[t] for t in tip]) + truth.factor * ups
    level = level + truth.drift * order / max(curves - 1, 1)
    D = 2 * np.arctanh(truth.polarisation) * (-1 if name == "S" and not truth.alike else 1)
    D = 0.0 if name == "achiral" else D
    bent = (truth.shape * random.normal(size=n))[contact]
    found: list[Any] = []
    size = level + truth.within * random.normal(size=curves)  # both directions of a loop share it
    for sign, direction in zip((1, -1), directions, strict=False):
        growth = np.abs(V) / np.abs(V).max()
        exponent = size[:, None] + (bent + D * (ups - 0.5))[:, None] * growth
        W = V + truth.bias_offset * ups[:, None]
        current = truth.conductance * truth.bend * np.sinh(W / truth.bend) * np.exp(exponent)
        current += truth.noise * random.normal(size=current.shape) + truth.offset * ups[:, None]
        current += sign * (truth.lag or 0.0) * ups[:, None]
        current = np.clip(current, -truth.saturation, truth.saturation)
        found.append((current, np.full(curves, direction, dtype="<U8")))
    many = len(found)
    return {
        "current": np.concatenate([c for c, _ in found]),
        "direction": np.concatenate([d for _, d in found]),
        "magnetisation": np.tile(np.where(ups, "up", "down"), many),
        "enantiomer": np.full(many * curves, name, dtype="<U8"),
        "contact": np.tile(contact.astype(str), many),
        "tip": np.tile(tip, many),
        "order": np.tile(order, many).astype(float),
    }


def _ups(truth: Truth, n: int, random: np.random.Generator) -> Any:
    """The magnetisation of each contact, half of them up."""
    if truth.paired:
        return np.ones(n, dtype=bool)
    if truth.blocks is None:
        return random.permutation(np.arange(n) < n // 2)
    block = np.arange(n) * truth.blocks // n
    return block % 2 == 0
