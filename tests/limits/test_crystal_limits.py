"""Cases of crystals with known answers, derivation or source beside each."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import expn

from chirospin import crystal
from chirospin.crystal import (
    ContactCrystal,
    ContactGrid,
    ContactRays,
    Crystal,
    FermiSurface,
    KGrid,
)
from chirospin.crystal.contact import surrounds


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


PLACES = (-40.0, -3.0, -1.0, -0.1, 0.0, 0.1, 1.0, 3.0, 40.0)


def test_contact_of_an_isotropic_metal_is_an_exponential_integral():
    """<x^2 e^(-z/lx)> over the sphere: M = chi 3 E_4(z/l)/2, which is F_4 of yoshimi_2026; l = v tau of both sheets."""
    model = ContactCrystal(hamiltonian="isotropic", position=PLACES)
    state = ContactRays().solve(model)
    z, chi = np.array(PLACES), state.bulk[2]
    length = np.sqrt(0.2**2 + 2 * 0.48) * model.relaxation_time
    M = 1.5 * expn(4, np.abs(z) / length)
    wanted = chi * (np.heaviside(z, 0.5) - np.sign(z) * M)
    assert state.profile[:, 2] == pytest.approx(wanted, abs=1e-5 * abs(chi))
    assert np.abs(state.profile[:, :2]).max() < 1e-12
    assert state.infeasible == 0


def test_contact_of_a_lattice():
    """Half the bulk at the plane; what is lacking inside stands outside; p = 0 is a step."""
    kind = {"hamiltonian": "cubic", "thermal_energy": 0.2, "chemical_potential": 0.8}
    z = np.linspace(-60, 60, 2401)
    method = ContactGrid(points=12, raisings=0, tolerance=1.0)
    state = method.solve(ContactCrystal(**kind, position=z))
    chi = state.bulk[2]
    assert state.profile[1200, 2] == pytest.approx(chi / 2)
    excess = state.profile[:, 2] - chi * np.heaviside(z, 0.5)
    assert abs(np.trapezoid(excess, z)) < 1e-3 * np.trapezoid(np.abs(excess), z)
    assert abs(state.transverse) < 1e-9
    step = method.solve(ContactCrystal(**kind, position=(-1.0, 1.0), unpolarised_injection=0.0))
    assert step.profile[:, 2] == pytest.approx([0, chi], abs=1e-12)


def test_injection_without_spin_may_be_infeasible():
    """Holes of the two-band tellurium: one band, whose spin is a function of the velocity along z."""
    model = ContactCrystal(hamiltonian="tellurium", chemical_potential=-0.05)
    assert ContactRays().solve(model).infeasible > 0.9
    tilted = crystal.solve(model.replace(normal=(1.0, 0.0, 1.0)), "fermi-surface")
    failed = [
        str(c)
        for c, ok in zip(tilted.check.values, tilted.audit_passed.values, strict=True)
        if not ok
    ]
    assert "transverse" in failed
    with pytest.raises(ValueError, match="must have a length"):
        ContactRays().solve(model.replace(normal=(0.0, 0.0, 0.0)))


def test_what_surrounds_the_origin():
    assert surrounds(np.array([[1.0, 0, 0], [-1, 0.5, 0], [-1, -0.5, 0]]))
    assert not surrounds(np.array([[1.0, 0, 0], [0.1, 0.5, 0], [0.1, -0.5, 0]]))
