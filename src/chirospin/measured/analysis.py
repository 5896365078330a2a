"""What every quantity and test of a set of curves needs, worked out once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.measured.contacts import Level, Units, assigned, assignment_level, contacts_of
from chirospin.measured.curves import ACHIRAL, LEFT, RIGHT, UNNAMED, Curves
from chirospin.measured.estimates import Estimate
from chirospin.measured.shapes import WINDOW, Origin, origin_of, shape_of, testable

Real = NDArray[np.float64]
HANDS = (RIGHT, LEFT, UNNAMED)


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """A set of curves, its units and its usable biases.

    Parameters
    ----------
    contacts, blocks : units of every enantiomer, and those at the level at which the magnetisation was set
    level : that level, of every enantiomer
    log_current, shape : L and ln(I/GV) of every curve, (N, J)
    unshaped : why an enantiomer has no shape; empty where it has
    usable : (J,)
    verdict : index of the verdict bias
    differences : D of every enantiomer, over bias
    """

    curves: Curves
    contacts: Mapping[str, Units]
    blocks: Mapping[str, Units]
    level: Mapping[str, Level]
    origin: Origin | None
    log_current: Real
    shape: Real | None
    unshaped: Mapping[str, str]
    usable: NDArray[np.bool_]
    verdict: int
    differences: Mapping[str, Estimate]
    seed: int

    @property
    def hands(self) -> tuple[str, ...]:
        """Enantiomers that are tested: R and S, or the one without a name; else the achiral control."""
        found = tuple(e for e in HANDS if e in self.contacts)
        return found or tuple(self.contacts)

    @property
    def tested(self) -> tuple[str, ...]:
        """Those of them with two units of each magnetisation."""
        return tuple(e for e in self.hands if self.contacts[e].testable)

    @property
    def shaped(self) -> tuple[str, ...]:
        """Those of them whose shape can be tested."""
        return tuple(e for e in self.tested if not self.unshaped[e])

    @property
    def control(self) -> Units | None:
        """The achiral contacts, beside chiral ones."""
        return self.contacts.get(ACHIRAL) if ACHIRAL not in self.hands else None

    @property
    def bias(self) -> float:
        """The verdict bias, V."""
        return float(self.curves.bias[self.verdict])

    @property
    def window(self) -> float:
        """Bias below which a curve is taken for linear, V."""
        if self.origin is not None:
            return self.origin.width
        return WINDOW * float(np.abs(self.curves.bias).max())

    @property
    def searched(self) -> NDArray[np.int_]:
        """Usable biases beyond the window; the verdict bias if there is none."""
        beyond = np.flatnonzero(self.usable & (np.abs(self.curves.bias) > self.window))
        return beyond if beyond.size else np.array([self.verdict])

    @property
    def largest(self) -> float:
        """Size of D at the verdict bias of the enantiomer where it is largest."""
        sizes = [abs(float(self.differences[e].value[self.verdict])) for e in self.hands]
        return max(sizes, default=np.nan)


def analysis_of(curves: Curves, bias: float | None = None, seed: int = 0) -> Analysis:
    """Work out units, usable biases and the verdict bias.

    Parameters
    ----------
    bias : verdict bias, V; the largest usable \\|V\\| if None, never the one with the largest polarisation

    Raises
    ------
    ModelError : no curves of both magnetisations, or no usable bias
    """
    contacts = {e: contacts_of(curves, e) for e in sorted(np.unique(curves.enantiomer).tolist())}
    contacts = {e: units for e, units in contacts.items() if units.ups and units.downs}
    if not contacts:
        raise ModelError(
            "No enantiomer has curves of both magnetisations: each has only up or only down"
        )
    curves, contacts = _only(curves, tuple(contacts))
    logarithm = curves.log_current
    usable = curves.usable() & np.all(
        [np.isfinite(u.mean(logarithm)).all(axis=0) for u in contacts.values()], axis=0
    )
    level = {e: assignment_level(curves, u) for e, u in contacts.items()}
    origin = origin_of(curves)
    return Analysis(
        curves=curves,
        contacts=contacts,
        blocks={e: assigned(curves, u, level[e]) for e, u in contacts.items()},
        level=level,
        origin=origin,
        log_current=logarithm,
        shape=None if origin is None else shape_of(curves, origin),
        unshaped={e: testable(curves, origin, e) for e in contacts},
        usable=usable,
        verdict=_verdict_bias(curves, usable, bias),
        differences={e: u.difference(logarithm) for e, u in contacts.items()},
        seed=seed,
    )


def _only(curves: Curves, enantiomers: tuple[str, ...]) -> tuple[Curves, dict[str, Units]]:
    kept = curves.where(np.isin(curves.enantiomer, enantiomers))
    return kept, {e: contacts_of(kept, e) for e in enantiomers}


def _verdict_bias(curves: Curves, usable: NDArray[np.bool_], bias: float | None) -> int:
    V = curves.bias
    if not usable.any():
        raise ModelError(
            f"No bias is usable: at each more than 5 % of the curves of a group are below the noise floor "
            f"({curves.floor:.2g} A), at the compliance, or of the wrong sign; --floor or --compliance "
            "give the right ones"
        )
    if bias is None:
        return int(
            max(np.flatnonzero(usable), key=lambda j: (round(abs(float(V[j])), 12), float(V[j])))
        )
    near = int(np.abs(V - bias).argmin())
    if abs(V[near] - bias) > 1e-6 * np.abs(V).max() or not usable[near]:
        known = ", ".join(f"{v:.4g}" for v in V[usable][-8:])
        raise ModelError(f"Option --bias must be a usable bias (.., {known} V), but is {bias:g} V")
    return near
