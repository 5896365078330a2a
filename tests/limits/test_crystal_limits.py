"""Cases of crystals with known answers, derivation or source beside each."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from chirospin import crystal
from chirospin.crystal import Crystal, FermiSurface, KGrid


def test_tellurium_as_a_single_integral():
    """Integrating over k_perp leaves pi/|B| for every k_z inside the surface."""
    A, B, gap, beta, mu = -0.3644, -0.326, 0.063, 0.2, -0.05
    model = Crystal(
        hamiltonian="tellurium", longitudinal=A, transverse=B, gap=gap, spin_orbit=beta,
        chemical_potential=mu,
    )  # fmt: skip
    expected = 0.0
    for branch in (1, -1):

        def square(kz: float, sign: int = branch) -> float:
            return (mu - A * kz**2 - sign * np.sqrt(gap**2 + beta**2 * kz**2)) / B

        def carried(kz: float, sign: int = branch) -> float:
            d = np.sqrt(gap**2 + beta**2 * kz**2)
            return sign / 2 * beta * kz / d * (2 * A * kz + sign * beta**2 * kz / d)

        grid = np.linspace(-3, 3, 6001)
        changes = np.nonzero(np.diff(np.sign([square(x) for x in grid])))[0]
        ends = [brentq(square, grid[i], grid[i + 1], xtol=1e-15) for i in changes]
        for low, high in pairwise(ends):
            if square((low + high) / 2) > 0:
                expected += (
                    quad(carried, low, high, epsabs=1e-14)[0] * np.pi / abs(B) / (2 * np.pi) ** 3
                )
    found = FermiSurface().solve(model).edelstein[2, 2]
    assert found == pytest.approx(expected, rel=1e-11)


def test_valleys_count():
    model = Crystal(hamiltonian="tellurium", chemical_potential=-0.05)
    one, two = (FermiSurface().solve(m) for m in (model, model.replace(valleys=2)))
    assert two.edelstein == pytest.approx(2 * one.edelstein)
    assert two.charge == pytest.approx(2 * one.charge)


def test_units_of_the_codes_that_people_compare_with():
    """K = -1.8548e-5 A nm^2 chi^T; 3.698e5 S/m at 1 fs; 9.57e-10 mT at 1 A/cm^2; e^2/2 hbar = 1.2171e-4 S."""
    from chirospin.crystal import observables

    assert pytest.approx(-1.8548e-5, rel=1e-4) == observables.GME_SPIN
    assert pytest.approx(1.2171e-4, rel=1e-4) == observables.GME_ORBITAL
    assert pytest.approx(3.698e5, rel=1e-3) == observables.OHMIC_FEMTOSECOND
    model = Crystal(hamiltonian="cubic", thermal_energy=0.2, chemical_potential=0.8)
    ds = crystal.solve(model, KGrid(points=12))
    per_current = ds.edelstein_tensor[2, 2] / ds.charge_tensor[2, 2]
    assert float(ds.spin_per_current[2, 2]) == pytest.approx(float(per_current))
    assert float(ds.spin_per_current_field_mT[2, 2]) == pytest.approx(
        9.577e-10 * float(per_current), rel=1e-3
    )
    assert ds.gme_spin.dims == ("field", "spin")


def test_no_current_no_spin_per_current():
    ds = crystal.solve(Crystal(chemical_potential=-3.0, thermal_energy=0.02), KGrid(points=8))
    assert bool(ds.spin_per_current.isnull().all())
    assert "gap" in str(ds.reason.values)
    assert not np.asarray(ds.edelstein_tensor).any()
