"""The cross-code table: ``python -m tests.oracles.crosscheck`` writes docs/validation/crosscheck.md.

A row is one quantity of one model by this package and by code that shares nothing with it but the numbers that
describe the model: QuTiP, SciPy's quadrature and exponentials, and the plain implementations beside this file.
"""

from __future__ import annotations

import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from chirospin import rashba, spinterface
from chirospin.base.results import provenance
from chirospin.chiral_metal import Boltzmann
from chirospin.crystal import Crystal, KGrid
from chirospin.junction import (
    GKSL,
    BiasedJunction,
    BiasedLandauer,
    DetailedBalance,
    Evolution,
    Hierarchy,
    Junction,
    Landauer,
    MeanField,
    PositiveLindblad,
    Redfield,
    SwitchedJunction,
    UniversalLindblad,
)
from chirospin.junction.bias.model import gated_hamiltonian, reservoirs_of
from chirospin.junction.model import lead_couplings
from chirospin.rashba import FermiLevelGas
from chirospin.spinterface import Gas
from chirospin.vibration import SCBA, Exact, SCBAHartree, SecondOrder
from tests.oracles import (
    bias_dense,
    full_fock,
    qutip_junction,
    spinterface_brute_force,
    spinterface_finite_systems,
    tilted_generator,
)
from tests.oracles import rashba_brute_force as rashba_plain
from tests.oracles import test_bias_oracles as bias
from tests.oracles import test_chiral_metal_oracles as metals
from tests.oracles import test_crystal_oracles as crystals
from tests.oracles import test_junction_oracles as junctions
from tests.oracles import test_rashba_oracles as gases
from tests.oracles import test_spinterface_oracles as contacts
from tests.oracles import test_vibration_oracles as levels
from tests.oracles import vibration_brute_force as vibration_plain

PAGE = Path(__file__).parents[2] / "docs" / "validation" / "crosscheck.md"
QUTIP = f"QuTiP {version('qutip')}"
WANNIERBERRI = f"WannierBerri {version('wannierberri')}: its matrices, exact weights"
SCIPY = f"SciPy {version('scipy')}"
MONOMER: dict[str, Any] = {
    "molecules": 1, "spin_orbit_vectors": [[0.2, 0.1, 0.3]], "hund": 0.4, "hubbard_a": 2.0,
    "hubbard_b": 2.0, "hubbard_ab_singlet": 2.0, "hubbard_ab_triplet": 2.0,
    "occupation_left": 0.9, "occupation_right": 0.2, "lead_polarisation": 0.7,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison.

    Parameters
    ----------
    pair : () -> (ours, theirs), arrays of the same shape
    tolerance : largest difference over the largest value of theirs, with its reason in ``because``
    """

    family: str
    quantity: str
    ours: str
    theirs: str
    pair: Callable[[], tuple[Any, Any]]
    tolerance: float
    because: str


def _both(solve: Callable[[int], float]) -> list[float]:
    return [solve(m) for m in (1, -1)]


def qutip_steady(values: dict[str, Any]) -> tuple[Any, Any]:
    p = full_fock.Parameters(**values)
    ours = GKSL().solve(Junction(**values)).lead_current[:, 0]
    return ours, _both(lambda m: qutip_junction.current(p, m, qutip_junction.steady_state(p, m)))


def qutip_in_time(molecules: int, times: tuple[float, ...]) -> tuple[Any, Any]:
    import qutip

    p = full_fock.Parameters(molecules=molecules)
    H = qutip_junction.hamiltonian(p)
    d = 16**molecules
    empty = np.zeros((d, d), complex)
    empty[0, 0] = 1
    found = qutip.mesolve(
        H,
        qutip.Qobj(empty, dims=H.dims),
        [0, *times],
        qutip_junction.collapse_operators(p, 1),
        e_ops=[c.dag() * c for c in qutip_junction.operators(molecules)],
        options={"method": "adams", "atol": 1e-12, "rtol": 1e-11, "nsteps": 100_000},
    )
    model = SwitchedJunction(molecules=molecules, initial_state="empty", time=times)
    return Evolution().solve(model).occupation[0], np.array(found.expect)[:, 1:].T


def qutip_slowest() -> tuple[Any, Any]:
    import qutip

    model = SwitchedJunction(molecules=1, spin_orbit=0.3, energy_b=0.2, coupling_b=0.3, time=(1.0,))
    p = full_fock.Parameters(molecules=1, spin_orbit=0.3, energy_b=0.2, coupling_b=0.3)
    L = qutip.liouvillian(qutip_junction.hamiltonian(p), qutip_junction.collapse_operators(p, 1))
    rates = np.sort(-np.linalg.eigvals(L.full()).real)
    return -Evolution().solve(model, ["modes"]).decay[0, 0].real, rates[1]


def qutip_biased(method: Any) -> tuple[Any, Any]:
    import qutip

    state = method().solve(BiasedJunction(**bias.MONOMER))
    H, c, leads = bias.dense(BiasedJunction(**bias.MONOMER), 0)
    H, everything = bias.naive(method.name, H, c, leads, cutoff=0.0)
    rho = qutip.steadystate(qutip.Qobj(H), [qutip.Qobj(P) for P, _, _, _ in everything]).full()
    return state.lead_current[0], bias_dense.currents(rho, everything)


def dense_biased(method: Any, values: dict[str, Any]) -> tuple[Any, Any]:
    model = BiasedJunction(**values)
    H, c, leads = bias.dense(model, 1)
    cutoff, spacing = (50.0, 1.0) if model.molecules == 2 else (40.0, 0.5)
    H, everything = bias.naive(method.name, H, c, leads, cutoff=cutoff, spacing=spacing)
    rho = bias_dense.steady_state(H, everything)
    return method().solve(model).lead_current[1], bias_dense.currents(rho, everything)


def explicit_hierarchy() -> tuple[Any, Any]:
    warm = {**bias.MONOMER, "thermal_energy": 5.0, "hubbard_a": 1.0, "hubbard_b": 0.5}
    model = BiasedJunction(**warm)
    H, c, leads = bias.dense(model, 0)
    _, current = bias_dense.hierarchy(H, c, leads, 2, 2)
    return Hierarchy(tier=2, poles=2, tolerance=1e-10).solve(model).lead_current[0], current


def second_hand() -> tuple[Any, Any]:
    values = {"hund": 0.3, "hubbard_ab_singlet": 3.4, "hubbard_ab_triplet": 3.1, "handedness": -1}
    p = full_fock.Parameters(**values)
    ours = GKSL().solve(Junction(**values)).lead_current[:, 0]
    return ours, _both(lambda m: full_fock.current(p, m, full_fock.steady_state(p, m)))


def exponential_of_everything() -> tuple[Any, Any]:
    from scipy.sparse.linalg import expm_multiply

    p = full_fock.Parameters()
    rho = np.zeros((256, 256), complex)
    rho[0, 0] = 1
    later = expm_multiply(2.0 * full_fock.liouvillian(p, 1), rho.ravel()).reshape(256, 256)
    state = Evolution().solve(SwitchedJunction(time=(2.0,), initial_state="empty"))
    return state.occupation[0, 0], full_fock.occupation(later).ravel()


def tilted() -> tuple[Any, Any]:
    values = {"molecules": 1, "spin_orbit": 0.2, "energy_b": 0.3, "coupling_b": 0.25}
    state = GKSL().solve(Junction(**values), ["noise"])
    _, noise = tilted_generator.cumulants(
        full_fock.Parameters(**values), 1, [np.ones(4)], step=0.02
    )
    return state.parts["noise"].values[0, 0], noise


def levitov() -> tuple[Any, Any]:
    values = {"spin_orbit": 0.2, "coupling_b": 0.3, "energy_b": 0.4, "twist": 1.0}
    state = GKSL().solve(Junction(**values).replace(hubbard=0), ["noise"])
    p = full_fock.with_hubbard(full_fock.Parameters(**values), 0.0)
    flow, noise = tilted_generator.levitov(p, 1)
    return [state.lead_current[0, 0], state.parts["noise"].values[0, 0]], [flow, noise]


def breit_wigner() -> tuple[Any, Any]:
    """One molecule without spin-orbit coupling: four levels, I = sum gL gR/(gL + gR)."""
    a, b, p = 0.3, 0.2, 0.7
    model = Junction(
        molecules=1, spin_orbit=0, hubbard=0, coupling_a=a, coupling_b=b, lead_polarisation=p
    )
    left = np.array([g * (1 + s * p) / 2 for g in (a, b) for s in (1, -1)])
    right = np.repeat([a, b], 2)
    law = float((left * right / (left + right)).sum())
    return Landauer().solve(model).lead_current[:, 0], [law, law]


def transmission() -> tuple[Any, Any]:
    from scipy.integrate import quad

    model = Junction(hubbard=0, hopping_ab=0.3, coupling_b=0.3, lead_polarisation=0.6)
    h = junctions.one_body(model)

    def one(m: int) -> float:
        left = junctions.dense(model, m)[-1]
        right = np.repeat([0, 0, model.coupling_a, model.coupling_b], 2).astype(float)

        def integrand(angle: float) -> float:
            G = np.linalg.inv(np.tan(angle) * np.eye(8) - h + 0.5j * np.diag(left + right))
            T = np.trace(np.diag(left) @ G @ np.diag(right) @ G.conj().T).real
            return float(T / np.cos(angle) ** 2 / (2 * np.pi))

        return float(quad(integrand, -np.pi / 2, np.pi / 2, limit=2000, epsabs=1e-11)[0])

    return Landauer().solve(model).lead_current[:, 0], _both(one)


def biased_transmission() -> tuple[Any, Any]:
    model = BiasedJunction(
        **{**bias.DIMER, "gate": -0.4, "thermal_energy": 0.3, "bias": 1.7, "bias_asymmetry": -0.1}
    ).replace(hubbard=0)
    g, leads = lead_couplings(model)[0], reservoirs_of(model)
    both = [(g[n], leads.potential[n], leads.thermal_energy[n]) for n in (0, 1)]
    current, energy, _, noise = bias_dense.landauer(gated_hamiltonian(model), both)
    state = BiasedLandauer().solve(model, ["noise"])
    return [state.lead_current[0, 0], state.energy_current[0, 0], state.noise[0]], [
        current, energy, noise,
    ]  # fmt: skip


def lyapunov() -> tuple[Any, Any]:
    from scipy.linalg import solve_continuous_lyapunov

    model = Junction(hubbard_a=0.3, hubbard_b=0.4, hubbard_ab_singlet=0.2, hubbard_ab_triplet=0.1)
    h = junctions.one_body(model)
    flip, ab = np.array([[0, 1], [1, 0]]), np.array([[0.1, 0.2], [0.2, 0.1]])
    W = np.kron(np.eye(2), np.block([[0.3 * flip, ab], [ab, 0.4 * flip]]))
    _, _, alpha, beta, _ = junctions.dense(model, 1)
    G = np.zeros((8, 8), dtype=complex)
    for _ in range(4000):
        shifted = h + np.diag(W @ G.diagonal()) - W * G.T
        K = 1j * shifted.T - np.diag(alpha + beta) / 2
        G = 0.7 * G + 0.3 * solve_continuous_lyapunov(K, -np.diag(alpha))
    return MeanField().solve(model).one_body_density[0], G


def metal_profiles(name: str, warm: bool) -> tuple[Any, Any]:
    ours = metals.ours(Boltzmann())[name]
    if not warm:
        return ours, metals.warm(0.0)[name]
    return ours, (4 * metals.warm(0.005)[name] - metals.warm(0.01)[name]) / 3


def cubic_tensors() -> tuple[Any, Any]:
    model = Crystal(hamiltonian="cubic", chemical_potential=0.8, thermal_energy=0.2, spin_orbit=0.3)
    state = KGrid(points=24, shifts="0.1;0.6").solve(model, ["slope"])
    found = [state.edelstein[2, 2], state.slope[2, 2, 2, 2]]
    return np.array(found), np.array(crystals.naive_cubic(1.0, 0.3, 0.8, 0.2, 36))


def wannierberri_sums(name: str) -> tuple[Any, Any]:
    from tests.laws.crystals import random_crystal, system_folder
    from tests.oracles.wannierberri_crystal import exact_sums

    with tempfile.TemporaryDirectory() as where:
        folder = system_folder(random_crystal(4), Path(where) / "system")
        model = Crystal(hamiltonian=str(folder), chemical_potential=0.1, thermal_energy=0.2)
        state = KGrid(points=4, shifts=0).solve(model, ["orbital"])
        theirs = dict(
            zip(("edelstein", "charge", "orbital"), exact_sums(folder, 4, 0.1, 0.2), strict=True)
        )
    return getattr(state, name), theirs[name]


def fock_of_vibrations(name: str) -> tuple[Any, Any]:
    model = levels.CASES[name].replace(hubbard=0.7)
    whole = vibration_plain.exact_diagonalisation(
        levels.eps(model), levels.modes(model), model.thermal_energy, model.chemical_potential,
        levels.FEW[name], 0.7,
    )  # fmt: skip
    return Exact().solve(model).density, whole["rho"]


def frequencies_by_force() -> tuple[Any, Any]:
    model = levels.CASES["two modes"]
    here = levels.eps(model), levels.modes(model), model.thermal_energy, model.chemical_potential
    return SecondOrder().solve(model).density, vibration_plain.second_order_real_axis(*here)[0]


def born_by_force(method: Any) -> tuple[Any, Any]:
    model = levels.CASES["two modes"]
    here = levels.eps(model), levels.modes(model), model.thermal_energy, model.chemical_potential
    plain = vibration_plain.scba_matsubara(*here, 64, method.with_hartree)[0]
    return method.solve(model).density, plain


def dense_chain() -> tuple[Any, Any]:
    model, w = rashba_plain.rashba(0.9), rashba_plain.disorder("gauss", 0.7, 0.7)
    rows = rashba_plain.chain_response_dense(
        model, w, 0.6, 0.25, prescription="redfield", n_offset=24, p_max=6.0, n_angle=400,
        kinked=False,
    )  # fmt: skip
    found = gases.solved(gases.gas(0.9, 0.6, "gauss", 0.7, 0.7, thermal_energy=0.25), "redfield")
    return np.real(found[:2]), rows.sum(axis=0)[:2].real


def angular_grid() -> tuple[Any, Any]:
    zeeman = np.array((0.05, 0.03, 0.0))
    tensor = np.array([[0.07, -0.2], [0.2, -0.07], [0.0, 0.0]])
    plain = rashba_plain.fermi_level_matrix(2.0, 3.0, tensor, zeeman=zeeman)
    model = FermiLevelGas(
        mass=1.0, spin_orbit=-0.1, dresselhaus=0.035, fermi_energy=2.0, scattering_rate=1 / 3,
        zeeman=zeeman,
    )  # fmt: skip
    return 2 * rashba.solve(model).spin_response.values, plain["sigma"].real


def fourier_integral(name: str) -> tuple[Any, Any]:
    d, r, z, alpha, fermi = contacts.GREEN[name]
    where = np.array(r, dtype=float)
    matrix = spinterface_brute_force.green_by_fourier(where, z, contacts.MASS, alpha, fermi, d)
    metal = spinterface.Metal(N0=contacts.MASS, alpha=alpha, fermi=fermi, d=d)
    g0, g1, _ = spinterface.green_function(metal, np.linalg.norm(where), z)
    unit = where / np.linalg.norm(where)
    plain = spinterface_brute_force.charge_of(matrix) / 2, spinterface_brute_force.spin_of(matrix)
    return np.array([complex(g0), complex(g1)]), np.array([plain[0], plain[1] @ unit])


def real_axis(name: str) -> tuple[Any, Any]:
    model = contacts.CONTACTS[name]
    spin, _ = spinterface_brute_force.driven(*contacts.plain(model))
    return spinterface.solve(model).spin_density_driven.values[0], spin


def fermion_matrices() -> tuple[Any, Any]:
    splitting = np.array([0.05, -0.02, 0.1])
    whole = spinterface_finite_systems.correlated_k(-0.3, splitting, 0.2, 0.05)
    model = Gas(band_energy=-0.3, spin_splitting=splitting, repulsion=0.2, thermal_energy=0.05)
    return spinterface.solve(model).spin_polarisation.values, whole["pol"]


ITERATED = "both residuals 1e-12 over relaxation rates of 1e-3"
ROUNDED = "rounding"
ROWS = (
    Row(family="junction", quantity="currents, one molecule, general spin-orbit vector, hund",
        ours="gksl", theirs=f"{QUTIP}: steadystate", pair=lambda: qutip_steady(MONOMER),
        tolerance=1e-8, because=ITERATED),
    Row(family="junction", quantity="currents, two molecules, reference point",
        ours="gksl", theirs=f"{QUTIP}: liouvillian, connected block; {SCIPY}: SuperLU",
        pair=lambda: qutip_steady({}), tolerance=1e-8, because=ITERATED),
    Row(family="junction", quantity="currents, two molecules, exchange, other enantiomer",
        ours="gksl", theirs="tests/oracles/full_fock.py: whole Fock space", pair=second_hand,
        tolerance=1e-9, because=ITERATED),
    Row(family="junction.transient", quantity="occupations at 0.5, 4, 60 hbar/eV, one molecule, from empty",
        ours="evolution", theirs=f"{QUTIP}: mesolve", pair=lambda: qutip_in_time(1, (0.5, 4.0, 60.0)),
        tolerance=1e-8, because="mesolve is asked for 1e-11 a step"),
    Row(family="junction.transient", quantity="occupations at 1, 5 hbar/eV, two molecules, from empty",
        ours="evolution", theirs=f"{QUTIP}: mesolve", pair=lambda: qutip_in_time(2, (1.0, 5.0)),
        tolerance=1e-8, because="mesolve is asked for 1e-11 a step"),
    Row(family="junction.transient", quantity="occupations at 2 hbar/eV, two molecules, from empty",
        ours="evolution", theirs=f"full_fock.py and {SCIPY}: expm_multiply",
        pair=exponential_of_everything, tolerance=1e-8, because="1e-10 an interval"),
    Row(family="junction.transient", quantity="relaxation gap, one molecule", ours="evolution",
        theirs=f"{QUTIP}: liouvillian; NumPy: eigvals", pair=qutip_slowest, tolerance=1e-9,
        because=ROUNDED),
    Row(family="junction", quantity="noise, one molecule", ours="gksl",
        theirs="tilted_generator.py: second difference of the growth rate", pair=tilted, tolerance=1e-6,
        because="difference step 0.02, fourth order"),
    Row(family="junction", quantity="current and noise without repulsion, two molecules",
        ours="gksl", theirs="tilted_generator.py: Levitov's formula by quadrature",
        pair=levitov, tolerance=1e-8, because="quadrature"),
    Row(family="junction", quantity="current, four levels, no spin-orbit coupling", ours="landauer",
        theirs="closed form: sum of gL gR/(gL + gR)", pair=breit_wigner, tolerance=1e-13,
        because=ROUNDED),
    Row(family="junction", quantity="currents without repulsion, two molecules", ours="landauer",
        theirs=f"{SCIPY}: quad over the transmission", pair=transmission, tolerance=1e-7,
        because="quadrature asked for 1e-11"),
    Row(family="junction", quantity="one-body density, weak repulsion", ours="mean-field",
        theirs=f"plain iteration with {SCIPY}: Lyapunov", pair=lyapunov, tolerance=1e-9,
        because="4000 mixed steps"),
    Row(family="junction.bias", quantity="currents, one molecule", ours="perlind",
        theirs=f"bias_dense.py and {QUTIP}: steadystate", pair=lambda: qutip_biased(PositiveLindblad),
        tolerance=1e-7, because="steadystate of QuTiP"),
    Row(family="junction.bias", quantity="currents, one molecule", ours="kms",
        theirs=f"bias_dense.py and {QUTIP}: steadystate", pair=lambda: qutip_biased(DetailedBalance),
        tolerance=1e-7, because="steadystate of QuTiP"),
    Row(family="junction.bias", quantity="currents, one molecule", ours="redfield",
        theirs="bias_dense.py: dense superoperator", pair=lambda: dense_biased(Redfield, bias.MONOMER),
        tolerance=1e-8, because=ITERATED),
    Row(family="junction.bias", quantity="currents, two molecules", ours="ule",
        theirs="bias_dense.py: whole Fock space", pair=lambda: dense_biased(UniversalLindblad, bias.DIMER),
        tolerance=1e-6, because="expansion of the Lamb shift, 5e-9 of the coupling"),
    Row(family="junction.bias", quantity="current, one molecule, second tier", ours="hierarchy",
        theirs="bias_dense.py: explicit recursion", pair=explicit_hierarchy, tolerance=1e-6,
        because="iterated to 1e-10"),
    Row(family="junction.bias", quantity="current, energy current, noise without repulsion",
        ours="landauer", theirs=f"bias_dense.py: quadrature ({SCIPY})", pair=biased_transmission,
        tolerance=1e-8, because="quadrature"),
    Row(family="chiral_metal", quantity="linear spin at six places", ours="boltzmann",
        theirs="finite_temperature.py: another discretisation, T = 0",
        pair=lambda: metal_profiles("S1", False), tolerance=1e-6, because="grids"),
    Row(family="chiral_metal", quantity="quadratic spin at six places", ours="boltzmann",
        theirs="finite_temperature.py: another discretisation, T = 0",
        pair=lambda: metal_profiles("S2", False), tolerance=1e-6, because="grids"),
    Row(family="chiral_metal", quantity="quadratic spin at six places", ours="boltzmann",
        theirs="finite_temperature.py: no reduction to the Fermi surface, T -> 0",
        pair=lambda: metal_profiles("S2", True), tolerance=1e-5, because="extrapolated in T squared"),
    Row(family="crystal", quantity="chi_zz and K_zzzz, cubic crystal at k_BT = 0.2",
        ours="k-grid", theirs="two bands by hand, differences, another grid", pair=cubic_tensors,
        tolerance=2e-4, because="differences of 1e-4, grids of 24 and 36"),
    Row(family="crystal", quantity="chi of a spin that is no Pauli matrix, 4^3 points", ours="k-grid",
        theirs=WANNIERBERRI, pair=lambda: wannierberri_sums("edelstein"), tolerance=1e-11, because="rounding"),
    Row(family="crystal", quantity="D at the same points", ours="k-grid", theirs=WANNIERBERRI,
        pair=lambda: wannierberri_sums("charge"), tolerance=1e-12, because="rounding"),
    Row(family="crystal", quantity="internal orbital part at the same points", ours="k-grid",
        theirs=WANNIERBERRI, pair=lambda: wannierberri_sums("orbital"), tolerance=1e-11, because="rounding"),
    Row(family="vibration", quantity="density matrix, commuting couplings, repulsion", ours="exact",
        theirs="vibration_brute_force.py: whole Fock space, 40 quanta",
        pair=lambda: fock_of_vibrations("commuting"), tolerance=1e-10, because="truncation"),
    Row(family="vibration", quantity="density matrix, couplings that do not commute", ours="exact",
        theirs="vibration_brute_force.py: whole Fock space, 40 quanta",
        pair=lambda: fock_of_vibrations("not normal"), tolerance=1e-10, because="truncation"),
    Row(family="vibration", quantity="density matrix, two modes", ours="second-order",
        theirs="vibration_brute_force.py: real axis from the definition", pair=frequencies_by_force,
        tolerance=1e-11, because="quadrature"),
    Row(family="vibration", quantity="density matrix, two modes", ours="scba",
        theirs="vibration_brute_force.py: Matsubara sums", pair=lambda: born_by_force(SCBA()),
        tolerance=1e-6, because="64 frequencies, N^-3"),
    Row(family="vibration", quantity="density matrix, two modes", ours="scba-hartree",
        theirs="vibration_brute_force.py: Matsubara sums", pair=lambda: born_by_force(SCBAHartree()),
        tolerance=1e-6, because="64 frequencies, N^-3"),
    Row(family="spinterface.contact", quantity="Green function, three dimensions", ours="closed form",
        theirs="spinterface_brute_force.py: Fourier integral", pair=lambda: fourier_integral("close"),
        tolerance=1e-9, because="quadrature"),
    Row(family="spinterface.contact", quantity="Green function, two dimensions", ours="closed form",
        theirs="spinterface_brute_force.py: Fourier integral", pair=lambda: fourier_integral("plane"),
        tolerance=1e-9, because="quadrature"),
    Row(family="spinterface.contact", quantity="driven spin, three dimensions", ours="negf",
        theirs="spinterface_brute_force.py: integral along the real axis", pair=lambda: real_axis("A"),
        tolerance=3e-9, because="quadrature"),
    Row(family="spinterface.contact", quantity="driven spin, two dimensions", ours="negf",
        theirs="spinterface_brute_force.py: integral along the real axis",
        pair=lambda: real_axis("plane"), tolerance=3e-9, because="quadrature"),
    Row(family="spinterface.gas", quantity="polarisation of a wavevector with repulsion",
        ours="grand-canonical", theirs="spinterface_finite_systems.py: matrices of fermions",
        pair=fermion_matrices, tolerance=1e-12, because=ROUNDED),
    Row(family="rashba", quantity="conductivity and spin, Gaussian impurities, k_BT = 0.25",
        ours="kinetic", theirs="rashba_brute_force.py: projected 2x2 collision integrals, dense",
        pair=dense_chain, tolerance=2e-5, because="400 angles, 24 offsets"),
    Row(family="rashba.fermi_level", quantity="spin response with Dresselhaus and Zeeman fields",
        ours="kinetic", theirs="rashba_brute_force.py: angular grid", pair=angular_grid, tolerance=1e-8,
        because="angular grid"),
)  # fmt: skip


def compared() -> Iterator[tuple[Row, float, float]]:
    """Each row with its largest difference over the largest value, and the seconds it took."""
    for row in ROWS:
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ours, theirs = row.pair()
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        if ours.shape != theirs.shape:
            raise ValueError(f"{row.quantity}: shapes {ours.shape} and {theirs.shape}")
        difference = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
        yield row, difference, time.perf_counter() - start


def page(found: list[tuple[Row, float, float]]) -> str:
    """The table in Markdown."""
    made = provenance()
    lines = [
        "# Against other codes",
        "",
        "Who computed what, with which version, and how far apart the answers are: the largest difference over the "
        "largest value of the other code. The plain implementations under `tests/oracles/` were written from the "
        "equations alone and import nothing of the package but its results; the rest of their comparisons are "
        "tests. `make crosscheck` writes this page anew and fails if a row is outside its tolerance.",
        "",
        f"chirospin {made['chirospin']}, {QUTIP}, {SCIPY}, NumPy {made['numpy']}, Python "
        f"{platform.python_version()}.",
        "",
        "| problem | quantity | ours | other | difference | tolerance | why that tolerance | verdict |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row, difference, _ in found:
        verdict = "agree" if difference <= row.tolerance else "DISAGREE"
        lines.append(
            f"| {row.family} | {row.quantity} | `{row.ours}` "
            f"| {row.theirs} | {difference:.1e} | {row.tolerance:.0e} | {row.because} "
            f"| {verdict} |"
        )
    agree = sum(d <= r.tolerance for r, d, _ in found)
    return "\n".join([*lines, "", f"{agree} of {len(found)} agree."]) + "\n"


def main() -> int:
    """Compare, write the page, say what took how long."""
    found = []
    for row, difference, seconds in compared():
        found.append((row, difference, seconds))
        verdict = "agree" if difference <= row.tolerance else "DISAGREE"
        sys.stdout.write(
            f"{verdict:9} {row.family:22} {row.ours:16} {difference:8.1e} <= {row.tolerance:.0e} "
            f"{seconds:6.1f} s  {row.theirs}\n"
        )
        sys.stdout.flush()
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(found), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
    return int(any(difference > row.tolerance for row, difference, _ in found))


if __name__ == "__main__":
    sys.exit(main())
