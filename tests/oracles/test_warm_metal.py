"""The kinetic equation of a warm metal, integrated along the flight of every carrier at every energy.

Nothing of the program is used but the field that is tested: the distribution is the integral over its past,

    phi_h(z, c, eps) = int_{-inf}^z dz' exp(-(z - z')/(l c)) [E(z') + nu(z')/(l c)] + beam,   l = v tau,

for c > 0, and the mirror image for c < 0. It has to give back nu at every energy (elastic collisions), the
charge of Gauss's law, a current that is j_0 between the planes, and then the spin.
"""

from __future__ import annotations

import numpy as np
import pytest

from chirospin.chiral_metal import ChiralMetal, ClosedForm

A, T, R, LAMBDA, LENGTH = 0.3, 0.06, 0.8, 0.25, 7.0  # v_F = m = tau_0 = q = E_0 = 1
MU = (1 - A**2) / 2
SEEN = np.array([-1.2, -0.2, 0.15, 0.9, 3.5, 7.4])
QUADRATURE = 2e-7  # of the nodes below, absolute
SPEED, WEIGHT = np.polynomial.legendre.leggauss(48)
TOP = np.sqrt(1 + 2 * 30 * T)
SPEED, WEIGHT = TOP * (1 + SPEED) / 2, TOP * WEIGHT / 2
WEIGHT = WEIGHT * SPEED / (4 * T * np.cosh((SPEED**2 - 1) / (4 * T)) ** 2)  # d(energy) = v dv
TIME = SPEED ** (2 * R)  # ((energy - bottom)/(mu - bottom))^r
PATH = SPEED * TIME
STATES = {h: (SPEED - h * A) ** 2 / (2 * np.pi**2 * SPEED) for h in (1, -1)}


def panels(edges: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    x, w = np.polynomial.legendre.leggauss(count)
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (1 + x)).ravel(), (half * w).ravel()


def past(z: float) -> tuple[np.ndarray, np.ndarray]:
    """Places to the left of z, fine at both planes and at z."""
    steps = np.geomspace(1e-6, 60, 40)
    ends = np.concatenate(
        [z - steps, -steps, steps, LENGTH - steps, LENGTH + steps, [z, 0, LENGTH]]
    )
    return panels(np.unique(ends[(ends <= z) & (ends > -60)]), 6)


def metal(**changes: float) -> ChiralMetal:
    return ChiralMetal(
        spin_orbit=A, chemical_potential=MU, thermal_energy=T, scattering_exponent=R,
        screening_length=LAMBDA, length=LENGTH, charge=1, field=1.0, **changes,
    )  # fmt: skip


@pytest.fixture(scope="module")
def flown() -> dict[str, np.ndarray]:
    """Moments with c^n of the distribution at the places seen, by helicity and energy."""
    c, wc = np.polynomial.legendre.leggauss(40)
    c, wc = ((1 + c) / 2) ** 2, (1 + c) / 2 * wc  # of an integral over (0, 1)
    found = np.zeros((3, 2, SEEN.size, SPEED.size))
    total = sum(STATES.values())
    for way in (1, -1):
        for i, z in enumerate(SEEN):
            at, w = past(z if way > 0 else LENGTH - z)
            here = at if way > 0 else LENGTH - at
            closed = ClosedForm().solve(metal(position=tuple(here)), ["profiles"]).profiles
            field = closed.field[0]
            # the profile is lambda^2 dE/dz = nu (dn/dmu)/N_0
            stiffness = (WEIGHT @ total) / ((1 + A**2) / np.pi**2)
            nu = closed.charge[0] / stiffness
            gone = (z - here) * way
            lc = PATH[:, None, None] * c[:, None]
            late = np.exp(-gone / lc) * (way * field + nu / lc)
            phi = late @ w
            for plane, sign in ((0.0, 1), (LENGTH, -1)):
                away = (z - plane) * way
                if away > 0:
                    beam = sign * PATH[:, None] * c * np.exp(-away / (PATH[:, None] * c))
                else:
                    beam = np.zeros_like(phi)
                for n, h in enumerate((1, -1)):
                    share = (total / (2 * STATES[h]))[:, None]
                    for power in range(3):
                        found[power, n, i] += (way**power / 2) * ((share * beam) @ (wc * c**power))
            for power in range(3):
                found[power, :, i] += (way**power / 2) * (phi @ (wc * c**power))
    return {"moments": found, "stiffness": np.array(stiffness)}


def test_the_distribution_solves_its_equation_and_has_the_spin(flown: dict[str, np.ndarray]):
    model = metal(position=tuple(SEEN))
    closed = ClosedForm().solve(model, ["profiles"]).profiles
    moments, total = flown["moments"], sum(STATES.values())
    both = np.stack([STATES[1], STATES[-1]])
    nu = closed.charge[0] / flown["stiffness"]
    crowd = np.einsum("hie,he->ie", moments[0], both) / total
    felt = WEIGHT * SPEED > 1e-6  # energies that nobody has need no digits
    assert np.abs(crowd - nu[:, None])[:, felt].max() < 20 * QUADRATURE
    current = np.einsum("hie,he->ie", moments[1], both * SPEED) @ WEIGHT
    conductivity = (total * SPEED**2 * TIME) @ WEIGHT / 3
    inside = (SEEN > 0) & (SEEN < LENGTH)
    assert current / conductivity == pytest.approx(inside.astype(float), abs=20 * QUADRATURE)
    signs = np.array([0.5, -0.5])[:, None, None]
    spin = np.einsum("hie,he->ie", signs * moments[1], both) @ WEIGHT
    flow = np.einsum("hie,he->ie", signs * moments[2], both * SPEED) @ WEIGHT
    assert spin == pytest.approx(closed.spin[0], abs=QUADRATURE)
    assert flow == pytest.approx(closed.spin_current[0], abs=QUADRATURE)
    cold = ClosedForm().solve(model.replace(thermal_energy=0.0), ["profiles"]).profiles
    assert np.abs(spin - cold.spin[0]).max() > 100 * QUADRATURE  # control: without temperature
    straight = ClosedForm().solve(model.replace(scattering_exponent=0.0), ["profiles"]).profiles
    assert np.abs(spin - straight.spin[0]).max() > 100 * QUADRATURE  # control: a constant time
