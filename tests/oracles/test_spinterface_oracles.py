"""The spinterface against plain quadrature, finite lattices and explicit matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chirospin import spinterface
from chirospin.base.constants import BOHR_MAGNETON
from chirospin.spinterface import (
    Contact,
    Gas,
    Map,
    Metal,
    Pair,
    Stability,
    WholeGas,
    green_function,
)
from tests.oracles import spinterface_brute_force as naive
from tests.oracles import spinterface_finite_systems as finite

MASS = 13.1234
GREEN = {
    "close": (3, (0, 0, 0.7), 0.3 + 0.05j, 0.2, 1.0),
    "below the band": (3, (0.6, -0.5, 0.9), -1.4 + 0.1j, -0.3, 1.0),
    "gold": (3, (0, 0, 2.0), 1j, 0.033, 5.53),
    "plane": (2, (0.9, -0.4, 0), 0.1 + 0.05j, 0.2, 1.0),
    "plane, below": (2, (0.3, 0, 0), -1.2 + 0.02j, 0.3, 1.0),
    "line": (1, (1.3, 0, 0), 0.2 + 0.1j, 0.2, 1.0),
}


@pytest.mark.parametrize(("d", "r", "z", "alpha", "fermi"), GREEN.values(), ids=GREEN.keys())
def test_green_functions_against_their_fourier_integrals(d, r, z, alpha, fermi):
    where = np.array(r, dtype=float)
    matrix = naive.green_by_fourier(where, z, MASS, alpha, fermi, d)
    unit = where / np.linalg.norm(where)
    g0, g1, _ = green_function(
        Metal(N0=MASS, alpha=alpha, fermi=fermi, d=d), np.linalg.norm(where), z
    )
    size = np.abs(matrix).max()
    assert complex(g0) == pytest.approx(complex(naive.charge_of(matrix)) / 2, abs=1e-9 * size)
    assert complex(g1) == pytest.approx(complex(naive.spin_of(matrix) @ unit), abs=1e-9 * size)


def contact(r, metal, eps, delta, V0, V1, lead, p, **other: Any) -> Contact:
    where = np.array(r, dtype=float)
    alpha, fermi = metal
    return Contact(
        mass=MASS, spin_orbit=alpha, fermi_energy=fermi, level=eps, level_splitting=delta,
        hybridisation=V0, hybridisation_vector=V1, lead_coupling=lead, lead_polarisation=p,
        distance=float(np.linalg.norm(where)), direction=where, **other,
    )  # fmt: skip


A = contact(
    (0.6, -0.5, 0.9),
    (0.2, 1.0),
    -0.3,
    (0.1, 0.2, 0.3),
    0.2,
    (0.05j, 0.1j, -0.02j),
    0.2,
    (0.3, 0, 0.5),
    lead_potential=0.4,
    thermal_energy=0.05,
)
B = contact(
    (2.0, 0.3, 0.9),
    (-0.3, 0.5),
    0.2,
    (0, 0.2, 0.1),
    0.1,
    (0.05j, 0.1, -0.02),
    0.05,
    (0, 0, -0.5),
    lead_potential=-0.2,
    thermal_energy=0.02,
    lead_thermal_energy=0.05,
)
C = contact(
    (0, 0, 1.0),
    (0.033, 5.53),
    0.1,
    (0, 0, 0),
    0.15,
    (0, 0, 0),
    0.1,
    (0, 0, 0),
    lead_potential=0.3,
    thermal_energy=0.0,
)
D = contact(
    (1.0, 0, 0),
    (0.033, 5.53),
    0.1,
    (0, 0, 0.3),
    0.15,
    (0, 0, 0),
    0.5,
    (0, 0, 0),
    thermal_energy=0.025852,
)
WIDE = A.replace(broadening="wide")
LINE = contact(
    (0.9, 0, 0),
    (0.2, 1.0),
    -0.2,
    (0.1, 0.2, 0.3),
    0.5,
    (0.05j, 0.1j, -0.02j),
    0.2,
    (0.3, 0, 0.5),
    lead_potential=0.3,
    thermal_energy=0.05,
    dimension=1,
    broadening="wide",
)
PLANE = contact(
    (0.9, -0.4, 0),
    (0.2, 1.0),
    -0.2,
    (0.1, 0.2, 0.3),
    0.3,
    (0.05j, 0.1j, -0.02j),
    0.2,
    (0.3, 0, 0.5),
    lead_potential=0.3,
    thermal_energy=0.05,
    dimension=2,
    texture="rashba",
    broadening="wide",
)
CONTACTS = {"A": A, "B": B, "C": C, "D": D, "wide": WIDE, "line": LINE, "plane": PLANE}  # fmt: skip


def plain(model: Contact) -> tuple[Any, Any, Any, float]:
    """The same contact for the plain code: place, metal, molecule, temperature."""
    V = model.hybridisation * np.eye(2) + naive.dot_sigma(np.array(model.hybridisation_vector))
    metal = naive.Metal(
        model.mass, model.spin_orbit, model.fermi_energy, model.dimension, model.texture == "rashba"
    )
    molecule = naive.level(
        model.level, np.array(model.level_splitting), V, model.lead_coupling,
        np.array(model.lead_polarisation), muL=model.lead_potential,
        kTL=model.lead_thermal_energy, wide=model.broadening == "wide",
    )  # fmt: skip
    direction = np.array(model.direction)
    place = model.distance[0] * direction / np.linalg.norm(direction)
    return place, metal, molecule, model.thermal_energy


@pytest.mark.parametrize("model", CONTACTS.values(), ids=CONTACTS.keys())
def test_full_answer_against_a_real_axis_integral(model):
    """Matsubara sum and bias window against three terms on one axis of energies."""
    spin, charge = naive.consistent_equilibrium(*plain(model))
    ds = spinterface.solve(model)
    size = max(np.abs(spin).max(), abs(charge))
    assert ds.spin_density_equilibrium.values[0] == pytest.approx(spin, abs=1e-9 * size)
    if model.lead_potential:
        spin_driven, charge_driven = naive.driven(*plain(model))
        driven = ds.spin_density_driven.values[0]
        assert driven == pytest.approx(spin_driven, abs=3e-9 * np.abs(spin_driven).max())
        charge += charge_driven
    assert float(ds.charge_density[0]) == pytest.approx(charge, abs=1e-9 * size)


@pytest.mark.parametrize("name", ["A", "B", "C", "D"])
def test_lesser_term_against_a_product_of_matrices(name):
    model = CONTACTS[name]
    spin, charge = naive.lesser_only(*plain(model))
    ds = spinterface.solve(model, "lesser-only")
    assert ds.spin_density.values[0] == pytest.approx(spin, abs=1e-8 * np.abs(spin).max())
    assert float(ds.charge_density[0]) == pytest.approx(charge, rel=1e-8)


def two_orbitals(hand: int) -> tuple[Any, Any, Any]:
    """Two orbitals joined by a hopping with spin: Hamiltonian, couplings of both contacts, lead."""
    hop = -0.3 * np.eye(2) + hand * 0.1j * naive.PAULI[2]
    h = np.zeros((4, 4), dtype=complex)
    h[:2, :2], h[2:, 2:] = -0.1 * np.eye(2), 0.2 * np.eye(2)
    h[2:, :2], h[:2, 2:] = hop, hop.conj().T
    V = [np.zeros((2, 4), dtype=complex) for _ in range(2)]
    V[0][:, :2], V[1][:, 2:] = 0.15 * np.eye(2), 0.12 * np.eye(2)
    return h, V, 0.2 * np.diag([1, 1, 0, 0]).astype(complex)


MOLECULE = """
import numpy as np
h = np.array({h!r})
lead = np.array({lead!r})

def retarded(z):
    z = np.asarray(z)[..., None, None]
    return np.linalg.inv(z * np.eye(4) - h + 0.5j * lead)

def lesser(energy):
    G = retarded(energy + 0j)
    f = 1 / (1 + np.exp((np.asarray(energy) - 0.3) / 0.05))
    return 1j * f[..., None, None] * (G @ lead @ np.conj(np.swapaxes(G, -1, -2)))

retarded.lesser = lesser
"""


@pytest.mark.parametrize("hand", [1, -1])
def test_two_contacts_of_either_enantiomer(tmp_path, hand):
    """A molecule given as functions against one plain formula; the driven spins differ by more than sign."""
    h, V, lead = two_orbitals(hand)
    sites = [(0.0, 0.0, 0.0), (0.5, 0.0, 0.3)]
    metal = naive.Metal(MASS, 0.2, 0.8)
    molecule = naive.Molecule(h, V, lead, sites, mu_lead=0.3)
    where = np.array([0.8, 0.6, -0.7])
    spin, charge = naive.consistent_equilibrium(where, metal, molecule, 0.05)
    moved, carried = naive.driven(where, metal, molecule, 0.05)
    source = tmp_path / f"molecule{hand}.py"
    source.write_text(MOLECULE.format(h=h.tolist(), lead=lead.tolist()))
    model = Map(
        mass=MASS, spin_orbit=0.2, fermi_energy=0.8, molecule=f"{source}:retarded", contacts=sites,
        hybridisation_matrix=np.concatenate(V), lead_potential=0.3, thermal_energy=0.05,
        x=where[0], y=where[1], z=where[2],
    )  # fmt: skip
    ds = spinterface.solve(model)
    still = ds.spin_density_equilibrium.values.ravel()
    assert still == pytest.approx(spin, abs=1e-9 * charge)
    assert ds.spin_density_driven.values.ravel() == pytest.approx(
        moved, abs=1e-8 * abs(moved).max()
    )
    assert ds.charge_density.item() == pytest.approx(charge + carried, rel=1e-8)
    assert np.abs(still).max() < 1e-12  # both orbitals are time-reversal invariant


def test_one_wavevector_against_matrices_of_fermions():
    splitting = np.array([0.05, -0.02, 0.1])
    whole = finite.correlated_k(-0.3, splitting, 0.2, 0.05)
    ds = spinterface.solve(
        Gas(band_energy=-0.3, spin_splitting=splitting, repulsion=0.2, thermal_energy=0.05)
    )
    assert ds.spin_polarisation.values == pytest.approx(whole["pol"], abs=1e-13)
    assert float(ds.log_partition_function) == pytest.approx(whole["lnZ"], abs=1e-13)
    occupation = ds.occupation.values
    assert occupation[0] == pytest.approx(whole["N0"], abs=1e-14)
    assert occupation[-1] == pytest.approx(whole["N2"], abs=1e-14)
    size = float(np.linalg.norm(splitting))
    assert float(ds.susceptibility) == pytest.approx(
        finite.averaged_chi(-0.3, size, 0.2, 0.05), rel=1e-9
    )


def test_whole_gas_against_its_integral():
    spin, density = (
        [finite.gas_zero_temperature(b, MASS, 0.2, 1.0)[n] for b in (0.005, 0.01)] for n in (0, 1)
    )
    slope = (8 * spin[0] - spin[1]) / (6 * 0.005)
    ds = spinterface.solve(
        WholeGas(mass=MASS, spin_orbit=0.2, fermi_energy=1.0, thermal_energy=0.0)
    )
    assert float(ds.susceptibility) == pytest.approx(abs(slope), rel=1e-6)
    assert float(ds.density) == pytest.approx(
        finite.gas_zero_temperature(1e-9, MASS, 0.2, 1.0)[1], rel=1e-9
    )
    assert density[0] > 0


@pytest.mark.parametrize("field", [5e-3, 0.1, 0.5])
def test_whole_gas_in_a_field_against_its_integral(field):
    """Up to a Zeeman energy of half the Fermi energy, where the linear law is off by half a per cent."""
    tesla = field / (2 * BOHR_MAGNETON)
    gas = WholeGas(
        mass=MASS, spin_orbit=0.2, fermi_energy=1.0, thermal_energy=0.0, magnetic_field=tesla
    )
    ds = spinterface.solve(gas)
    spin, _ = finite.gas_zero_temperature(field, MASS, 0.2, 1.0)
    assert 2 * float(ds.field_spin_density) == pytest.approx(spin, rel=1e-8)
    linear = float(ds.susceptibility) * field
    assert abs(spin / linear - 1) > 1e-7  # control: the response is not linear


FIRST, SECOND = np.array([0.3, -0.2, 0.5]), np.array([0.1, 0.4, -0.6])
START, SOURCE = (1.0, 0.2, -0.1, 0.3), (0.05, 0.01, 0.02, -0.03)


def pair_at(model: Pair, method: str) -> Any:
    """Charge and spin at the last time."""
    ds = spinterface.solve(model, method)
    return np.concatenate([ds.charge.values[-1:], ds.spin.values[-1]])


@pytest.mark.parametrize("method", ["spectral", "matrix-exponential"])
def test_pair_against_the_exponential_of_one_matrix(method):
    model = Pair(
        band_energy=(0.7, 0.0),
        spin_splitting=(FIRST, SECOND),
        initial=START,
        source=SOURCE,
        time=3.0,
    )
    expected = finite.pair_by_expm(
        finite.pair_matrix(0.7, FIRST, SECOND), np.array(START), np.array(SOURCE), 3.0
    )
    assert pair_at(model, method) == pytest.approx(expected, abs=1e-12)


def test_lossy_pair_against_a_differential_equation():
    first, second = FIRST + 1j * np.array([0.05, 0, 0.02]), SECOND - 1j * np.array([0, 0.03, 0.01])
    model = Pair(
        band_energy=(0.3 - 0.5j, -0.4 - 0.4j), spin_splitting=(first, second), initial=START,
        source=SOURCE, time=3.0,
    )  # fmt: skip
    one = np.eye(2)
    left = (0.3 - 0.5j) * one + naive.dot_sigma(first)
    right = ((-0.4 - 0.4j) * one + naive.dot_sigma(second)).conj().T
    M, J = (v[0] / 2 * one + naive.dot_sigma(np.array(v[1:])) for v in (START, SOURCE))
    moved = finite.pair_by_ode(left, right, M, J, 3.0)
    expected = np.concatenate([[naive.charge_of(moved)], naive.spin_of(moved)])
    assert pair_at(model, "matrix-exponential") == pytest.approx(expected, abs=1e-9)


STABLE = {"mass": MASS, "spin_orbit": 0.2, "fermi_energy": 1.0, "level": -0.1}
RESPONSES = [
    ({"hybridisation": 0.2, "lead_coupling": 0.2, "thermal_energy": 0.05}, 0.2213663243, 1e-8),
    (
        {"hybridisation": 0.2, "lead_coupling": 0.2, "thermal_energy": 0.05, "broadening": "wide"},
        0.2253637466535,
        1e-9,
    ),
    ({"hybridisation": 0.1, "lead_coupling": 0.05, "thermal_energy": 0.0258}, 0.70306105456, 1e-8),
]


@pytest.mark.parametrize(("changes", "expected", "tolerance"), RESPONSES)
def test_local_susceptibility_against_a_difference_quotient(changes, expected, tolerance):
    """Frozen from chi_loc of the plain code: five-point differences of a real-axis integral."""
    ds = spinterface.solve(Stability(**STABLE, **changes))
    assert ds.local_susceptibility.values[2] == pytest.approx(expected, rel=tolerance)
    assert float(ds.critical_repulsion) == pytest.approx(1 / (2 * expected), rel=tolerance)


def test_repulsion_that_holds_a_moment_against_bisection():
    """At U = 1.02 U_c the plain code finds the spin 0.1270925207; at U = 1 it finds 0.3423784254."""
    changes = RESPONSES[2][0]
    for U, spin in ((1.02 * 0.71117578872, 0.1270925207), (1.0, 0.3423784254)):
        ds = spinterface.solve(Stability(**STABLE, **changes, moment=2 * spin))
        assert float(ds.repulsion) == pytest.approx(U, rel=1e-6)


def on_a_chain(spacing: float, sites: int, place: float) -> tuple[Any, float]:
    """Spin and charge per length that a level at the middle of a chain induces."""
    alpha, mass, mu, kT = 0.2, MASS, 1.0, 0.05
    middle = sites // 2
    H = finite.chain(
        sites, 1 / (2 * mass * spacing**2), alpha / (2 * spacing), mu, np.array([1.0, 0, 0])
    )
    V = (0.4 * np.eye(2) + 1j * naive.dot_sigma(np.array([0.05, 0.1, -0.02]))) / np.sqrt(spacing)
    both = finite.attach_level(H, middle, -0.2, np.array([0.1, 0.2, 0.3]), V)
    where = middle + round(place / spacing)
    spin, charge = finite.site_density(finite.equilibrium(both, kT), where)
    _, bare = finite.site_density(finite.equilibrium(H, kT), where)
    return np.asarray(spin) / spacing, (charge - bare) / spacing


def test_chain_of_vanishing_spacing_is_the_metal_in_one_dimension():
    """Errors fall with the square of the spacing; two spacings extrapolate to the continuum."""
    coarse, fine = (on_a_chain(h, round(24 / h), 0.6) for h in (0.1, 0.05))
    limit = (4 * fine[0] - coarse[0]) / 3, (4 * fine[1] - coarse[1]) / 3
    model = contact(
        (0.6, 0, 0), (0.2, 1.0), -0.2, (0.1, 0.2, 0.3), 0.4, (0.05j, 0.1j, -0.02j), 0.0, (0, 0, 0),
        thermal_energy=0.05, dimension=1,
    )  # fmt: skip
    ds = spinterface.solve(model)
    size = max(np.abs(limit[0]).max(), abs(limit[1]))
    assert ds.spin_density.values[0] == pytest.approx(limit[0], abs=0.01 * size)
    assert float(ds.charge_density[0]) == pytest.approx(limit[1], abs=0.01 * size)
    assert np.abs(fine[0] - limit[0]).max() < np.abs(coarse[0] - limit[0]).max() / 3


def test_square_lattice_keeps_time_reversal():
    """A level without splitting induces no spin at any site; a real V_1 is the control."""
    H = finite.square(6, 1.0, 0.3, 1.5)
    spins = []
    for V1 in (1j * np.array([0.1, 0.2, 0.05]), np.array([0.1, 0.2, 0.05])):
        V = 0.4 * np.eye(2) + naive.dot_sigma(V1)
        rho = finite.equilibrium(finite.attach_level(H, 14, 0.1, np.zeros(3), V), 0.05)
        spins.append(max(np.abs(finite.site_density(rho, n)[0]).max() for n in range(37)))
    assert spins[0] < 1e-13 < 1e-4 < spins[1]
    ours = [
        contact((0.3, 0.4, 0.5), (0.2, 1.0), 0.1, (0, 0, 0), 0.2, V1, 0.1, (0, 0, 0))
        for V1 in ((0.01j, 0.02j, 0.005j), (0.01, 0.02, 0.005))
    ]
    found = [np.abs(spinterface.solve(m).spin_density.values).max() for m in ours]
    assert found[0] < 1e-15 < 1e-9 < found[1]
