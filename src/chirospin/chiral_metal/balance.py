r"""Quadratic spin integrated over one plane: a balance between the bulk on one side and nothing on the other.

Any moment of the second order with a weight W_h(energy) and cos(theta), integrated over the plane, is

.. math:: \int d\xi \int W\langle c f_2\rangle = -\Big[\int W\ell\langle c^2f_2\rangle\Big]_\mathrm{bulk}
          + \tfrac13 \langle W\ell\rangle \int E_2\,d\xi
          + \int E_1 \Big\langle (W\ell)'\langle c^2\phi\rangle
          + \frac{W\tau}{k_h}\langle(1-3c^2)\phi\rangle\Big\rangle d\xi

with the units and names of :mod:`.energy_resolved`. The charge current, W = N v, has to vanish and gives
the integral of E_2; W = h N_h/2 is the spin. Moments of phi are even in xi about the plane and
:math:`E_1(\xi) + E_1(-\xi) = E_0`, so that half of their integrals is wanted, and these are numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirospin.chiral_metal.energies import SIGNS, Energies
from chirospin.chiral_metal.linear import shares

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Moments:
    r"""Integrals over a plane at one energy, by energy, over E_0.

    Parameters
    ----------
    excess : of nu
    flow : of <c^2 u>, what moves in the effective field
    beam, turned_beam : of <c^2 beta> and of <(1 - 3 c^2) beta>
    """

    excess: Array
    flow: Array
    beam: Array
    turned_beam: Array


def plane_balance(
    asymmetry: float, screening: float, memory: float, weights: Array, of: Energies
) -> float:
    """Spin of a plane far from the other, over m v_F (q E_0 tau_0)^2 l; exact in all of them.

    Parameters
    ----------
    screening : at T = 0, over l
    weights : C_p of the source
    """
    seen = _first_order(asymmetry, screening, memory, weights, of)
    states, slopes = of.states(asymmetry), of.states_slope(asymmetry)
    flow = (states * of.speed, slopes * of.speed + states / of.speed)
    half = (SIGNS / 2)[:, None]
    carried, pushed = _moment(asymmetry, flow, seen, of)
    drop = -carried / pushed  # the integral of E_2
    spin, turned = _moment(asymmetry, (half * states, half * slopes), seen, of)
    return spin + turned * drop


def balance_reversal(asymmetry: float, memory: float, weights: Array, of: Energies) -> float:
    """Screening length, over l, above which the spin of a plane changes sign; NaN if it has changed."""
    near, far = (plane_balance(asymmetry, s, memory, weights, of) for s in (0.0, 1.0))
    square = -near / (far - near) if far != near else np.nan
    return float(np.sqrt(square)) if square >= 0 else float("nan")


def _first_order(
    a: float, screening: float, memory: float, weights: Array, of: Energies
) -> Moments:
    states = of.weight * (of.speed**2 + a**2) / of.speed
    spread = sum(
        C * 4 * (p - 1) / (15 * (2 * p + 3)) for p, C in enumerate(weights.tolist(), start=1)
    )
    square = of.path**2
    stored = 3 * spread * square
    source = sum(share / (2 * p + 3) for p, share in shares(weights))
    beam = source + memory / (9 * (1 - memory))
    return Moments(
        excess=screening**2 / of.compressibility(a) + (states @ stored) / states.sum() - stored,
        flow=spread * square,
        beam=beam * square,
        turned_beam=(1 / (3 * (1 - memory)) - 3 * beam) * square,
    )


def _moment(
    a: float, weight: tuple[Array, Array], seen: Moments, of: Energies
) -> tuple[float, float]:
    """The balance without E_2, and what multiplies its integral; weight is W and dW/d(energy)."""
    W, dW = weight
    u, path, time, k = of.speed, of.path, of.time, of.momentum(a)
    beams = SIGNS[:, None] * 2 * a * u / k**2
    grown = dW * path + W * of.path_slope
    turned = W * time / k
    bulk = W * path * of.heated_excess(a) / 3
    bulk += (grown * path**2 + W * path * of.path_slope * path) / 5 - 2 / 15 * turned * path**2
    lifted = seen.excess / 3 + seen.flow + beams * seen.beam
    across = beams * seen.turned_beam - 3 * seen.flow
    found = (grown * lifted + turned * across) / 2 - bulk
    return float(of.mean(found).sum()), float(of.mean(W * path).sum() / 3)
