r"""First order in the current between both planes: a sum over the energies that carry it.

Collisions are elastic, so each energy keeps its own current and its own excess :math:`\nu(\epsilon)`. The
paper takes T -> 0 and does not need to say which share of the current each energy is given at the planes.
Here it is the share that it has in the bulk,

.. math:: j(\epsilon) = j_0\, \frac{(-f_0')\, N v^2 \tau}{\int d\epsilon\,(-f_0')\, N v^2 \tau}, \qquad
          J_{kh} = \frac{3 j(\epsilon)}{2 q N_h} \cos^2\theta,

so that the gradient :math:`qE - \partial_z\nu(\epsilon) = qE_0` is the same for all of them far from the
planes. With the share v^2 that Eq. (11) would have if it were read at a finite temperature, each energy's
excess would grow linearly all the way between the planes. The energies are then independent copies of the
result at T = 0, seen over their own free paths, and joined by one electrostatic potential,

.. math:: E - \lambda_T^2 E'' = \frac{\int d\epsilon\,(-f_0') N\, \mathcal E(z/\ell(\epsilon))}{dn/d\mu},
          \qquad \lambda_T^2 = \frac{\epsilon_0}{q^2\, dn/d\mu}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirospin.chiral_metal import linear
from chirospin.chiral_metal.energies import Energies
from chirospin.chiral_metal.exponentials import Kernel
from chirospin.chiral_metal.model import Scales

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class OneEnergy:
    """What the carriers of one energy do, in units of v_F = l = 1.

    Parameters
    ----------
    weight, speed : of the energy
    spin : S_1, times the free path
    beam, flow : moments with c^2 of the ballistic beams and of what moves in the effective field
    excess : nu(energy)
    """

    weight: float
    speed: float
    spin: Array
    beam: Array
    flow: Array
    excess: Array


def first_order(xi: Array, scales: Scales) -> dict[str, Array]:
    r"""Profiles in reduced units, exact in alpha, screening and temperature; NaN where no form is known.

    .. math:: s = -\frac{a}{2\pi^2} \langle \ell S_1\rangle, \quad
              j_s = \frac{a}{\pi^2}\Big\langle u\big[\langle c^2\beta\rangle - \tfrac{\nu}{3}
              - \langle c^2u\rangle\big]\Big\rangle, \quad
              \Pi = \Big\langle \frac{u(u^2+a^2)}{\pi^2}\big[\tfrac{\nu}{3} + \langle c^2u\rangle\big]\Big\rangle

    The outer average is :math:`\int d\epsilon\,(-f_0')`.
    """
    a, of = scales.asymmetry, scales.energies
    if scales.walls and (scales.weights.size > 1 or scales.memory):
        return dict.fromkeys(PROFILES, np.full_like(xi, np.nan))
    field, common = _field(xi, scales)
    spin, current, crowd, flux = (np.zeros_like(xi) for _ in range(4))
    for part in _by_energy(xi, scales, common):
        w, u = part.weight, part.speed
        P = (u**2 + a**2) / u
        spin += w * part.spin
        current += w * u * (part.beam - part.excess / 3 - part.flow)
        crowd += w * P * (2 * part.excess / 3 - part.flow)
        flux += w * u**2 * P * (part.excess / 3 + part.flow)
    return {
        "charge": of.compressibility(a) * common,
        "field": field,
        "spin": -a / (2 * np.pi**2) * spin,
        "spin_current": a / np.pi**2 * current,
        "operator_spin_current": a / np.pi**2 * current + a / (2 * np.pi**2) * crowd,
        "momentum_flux": flux / np.pi**2,
    }


PROFILES = (
    "charge",
    "field",
    "spin",
    "spin_current",
    "operator_spin_current",
    "momentum_flux",
)


def _field(xi: Array, scales: Scales) -> tuple[Array, Array]:
    """The one field, and the mean excess over the energies, weighted by their states."""
    of, L = scales.energies, scales.length
    screening = scales.screening / np.sqrt(of.compressibility(scales.asymmetry))
    if scales.walls:
        return linear.slab_field_and_charge(xi, L, screening)
    gap = linear.departure(scales.weights)
    if gap is not None:
        shares = _shares(of, scales.asymmetry)
        gap = Kernel(
            rates=(gap.rates / of.path[:, None]).ravel(),
            weights=(gap.weights * shares[:, None]).ravel(),
        )
    near, far = (linear.field_and_charge(x, screening, gap) for x in (xi, xi - L))
    return near[0] - far[0], near[1] - far[1]


def _shares(of: Energies, a: float) -> Array:
    """Share of each energy in dn/dmu."""
    states = of.weight * (of.speed**2 + a**2) / of.speed
    return np.asarray(states / states.sum())


def _by_energy(xi: Array, scales: Scales, common: Array) -> Iterator[OneEnergy]:
    of = scales.energies
    stored = [path * _stored(xi / path, scales.length / path, scales) for path in of.path]
    mean = np.tensordot(_shares(of, scales.asymmetry), np.stack(stored), 1)
    for w, u, path, own in zip(of.weight, of.speed, of.path, stored, strict=True):
        spin, beam, flow = _moments(xi / path, scales.length / path, scales)
        yield OneEnergy(
            weight=w,
            speed=u,
            spin=path * spin,
            beam=path * beam,
            flow=path * flow,
            excess=common + mean - own,
        )


def _stored(xi: Array, length: float, scales: Scales) -> Array:
    r"""Integral of :math:`sgn(\xi)\eta(|\xi|)` from the far left: what one energy has less of."""
    gap = linear.departure(scales.weights)
    if gap is None or scales.walls:
        return np.zeros_like(xi)
    sums = Kernel(rates=gap.rates, weights=gap.weights / gap.rates)
    return np.asarray(sums(xi) - sums(xi - length))


def _moments(xi: Array, length: float, scales: Scales) -> tuple[Array, Array, Array]:
    """S_1 and the second moments of beams and drift at one energy, over its free path."""
    weights, memory = scales.weights, scales.memory
    if scales.walls:
        spin = 2 / 3 - 2 * linear.slab_beam_moment(1, xi, length)
        return spin, linear.slab_beam_moment(2, xi, length), np.zeros_like(xi)
    pair = (xi, xi - length)
    missing = np.full_like(xi, np.nan)
    spins = [linear.first_spin(x, weights, memory) for x in pair]
    beams = [linear.beam_moment(2, x, weights) for x in pair]
    flows = [linear.flow_moment(x, weights) for x in pair]
    return (
        missing if memory and weights.size > 1 else spins[0] - spins[1],
        missing if memory else beams[0] - beams[1],
        flows[0] - flows[1],
    )
