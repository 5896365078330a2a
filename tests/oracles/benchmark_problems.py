"""The public benchmark: ``python -m tests.oracles.benchmark_problems`` writes its files, each by two routes.

A problem is declared here without its number. The first route is a door of the package, the second shares nothing
with it but the parameters. The generator refuses a problem whose routes differ by more than its tolerance.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chirospin import junction, models, molecule, rashba, spinterface
from chirospin.base.parameters import Model
from chirospin.benchmark import PROBLEMS_FOLDER
from chirospin.chiral_metal import Boltzmann, ChiralMetal
from chirospin.crystal import Crystal, KGrid
from chirospin.junction import BiasedJunction, Junction, PositiveLindblad, SwitchedJunction
from chirospin.models import DoubleHelix, EffectiveHelix
from chirospin.molecule import Molecule
from chirospin.molecule.structure import read_structure
from chirospin.rashba import FermiLevelGas
from chirospin.spinterface import Gas
from chirospin.vibration import Exact
from tests.oracles import (
    bias_dense,
    full_fock,
    hartree_fock_by_hand,
    helix_by_hand,
    qutip_junction,
    rashba_brute_force,
    spinterface_brute_force,
    spinterface_finite_systems,
    tilted_generator,
    vibration_brute_force,
)
from tests.oracles import scattering_brute_force as scattering
from tests.oracles import test_bias_oracles as bias
from tests.oracles import test_chiral_metal_oracles as metals
from tests.oracles import test_crystal_oracles as crystals
from tests.oracles import test_spinterface_oracles as contacts
from tests.oracles import test_vibration_oracles as levels

DIGITS_BELOW = 2  # that are kept below the tolerance
STACK = (
    "H = sum_il eps_l n_il + sum_il (t_l c+_il c_{i+1,l} + h.c.) + (hopping_ab: a of i to b of i+1, hopping_ba: b to a) "
    "+ sum_i [i Lambda_i . (c+_ib sigma c_ia) + h.c.] + U_a, U_b n_up n_down of an orbital + U_ab^s, U_ab^t n n of a and b "
    "with opposite and equal spins - K (c+_a,up c_a,down c+_b,down c_b,up + h.c.) + K (c+_a,up c+_a,down c_b,down c_b,up "
    "+ h.c.); K is hund; Lambda_i = spin_orbit (cos f, sin f, 0), f = handedness twist (i-1), or spin_orbit_vectors where set"
)
COUPLINGS = (
    "couplings: gL of molecule 1, orbital l, spin s = +-1: gamma_l (1 + m p s)/2 with m = +1 (up), -1 (down) for the "
    "magnetisation and p = lead_polarisation; gR of the last molecule: gamma_l"
)
LEADS = (
    f"{COUPLINGS}; d rho/dt = -i [H, rho] + sum_k alpha_k D[c+_k] + beta_k D[c_k], alpha = gL fL + gR fR, "
    "beta = gL (1-fL) + gR (1-fR); I = sum_k gL_k (fL - n_k)"
)
P_MR = "P_MR = (I_up - I_down)/(I_up + I_down)"
NOZAKI = ("nozaki_fujita_2026, Eqs. (1)-(11), (17)",)
WIDE = "leads of constant width: G(E) = [E - h + i (Gamma_L + Gamma_R + sum_p Gamma_p)/2]^-1"
SPIN_OUT = "P_s = (I_up - I_down)/(I_up + I_down), of the electrons of either spin that arrive in the right lead"
TWO_STRANDS = (
    "h = sum_jn e_j n_jn + [c+_jn (t_j + i t_so (s_n^j + s_{n+1}^j)) c_{j,n+1} + h.c.] + lambda sum_n (c+_1n c_2n + h.c.), "
    "s_n^j = sigma_z cos(theta) - (-1)^j sin(theta) (sigma_x sin(n phi) - sigma_y cos(n phi)), n from 0, strands j = 1, 2"
)
CHANNEL = (
    "Gamma = lead_coupling (1 1; 1 1) between both strands of the first and of the last pair, both spins alike, "
    "left lead not polarised"
)
TELLURIUM = (
    f"three atoms a cell at ({helix_by_hand.OFFSET}, 0, 0), (0, {helix_by_hand.OFFSET}, 1/3), "
    f"(-{helix_by_hand.OFFSET}, -{helix_by_hand.OFFSET}, -1/3) of a hexagonal cell a = {helix_by_hand.EDGE} nm (a1 along x, "
    f"a2 at 120 degrees), c = {helix_by_hand.HEIGHT} nm along z; p orbitals with spin, level 0, "
    "between atoms at d, |d| < "
    f"{helix_by_hand.REACH} nm: [V_pi (1 - dd) + V_sigma dd] exp(-(|d| - {helix_by_hand.LENGTH} nm)/{helix_by_hand.DECAY} nm), "
    f"dd the projector along d, V_pi = {helix_by_hand.V_PI} eV, V_sigma = {helix_by_hand.V_SIGMA} eV; "
    f"{helix_by_hand.SPIN_ORBIT} eV L.S on each atom, S = sigma/2; chi_zz = 1/(V N) sum_k sum_n (-f') s_z v_z, s = sigma/2, over the "
    "27 wavevectors k = (n + 0.1)/3 of the reciprocal vectors, n = 0, 1, 2; no converged material"
)
ROUNDED = "rounding"
CONVENTIONS = "hbar = e = k_B = 1; a complex number is [real, imaginary]; sigma are Pauli matrices"
ONE_STACK = (
    "molecules", "energy_a", "energy_b", "hopping_a", "hopping_b", "hopping_ab", "hopping_ba", "spin_orbit", "twist",
    "handedness", "spin_orbit_vectors", "hubbard_a", "hubbard_b", "hubbard_ab_singlet", "hubbard_ab_triplet", "hund",
    "intersite_repulsion", "coupling_a", "coupling_b", "lead_polarisation",
)  # fmt: skip
FLAT = (*ONE_STACK, "occupation_left", "occupation_right")
BIASED = (
    *ONE_STACK,
    "bias",
    "bias_asymmetry",
    "internal_drop",
    "gate",
    "thermal_energy",
    "thermal_energy_difference",
)
CONTACT = (
    "mass", "spin_orbit", "fermi_energy", "dimension", "texture", "thermal_energy", "level", "level_splitting",
    "hybridisation", "hybridisation_vector", "lead_coupling", "lead_polarisation", "lead_potential", "broadening",
    "distance", "direction",
)  # fmt: skip
SLAB = (
    "mass", "spin_orbit", "chemical_potential", "relaxation_time", "charge", "length", "screening_length", "position",
    "injection_power", "injection_weight", "helicity_memory", "walls",
)  # fmt: skip
GAS = ("mass", "spin_orbit", "dresselhaus", "zeeman", "fermi_energy", "scattering_rate")
PAIRS = (
    "base_pairs", "energy_1", "energy_2", "hopping_1", "hopping_2", "hopping_between", "spin_orbit",
    "twist", "helix_angle", "lead_coupling", "energy",
)  # fmt: skip
LEVEL = (
    "level",
    "level_splitting",
    "mode_energies",
    "mode_couplings",
    "thermal_energy",
    "chemical_potential",
)


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A problem without its number.

    Parameters
    ----------
    ours, theirs : what each route is called, and the number that it gives
    needs : parameters of the model that enter, where they are set
    zero : why it is one
    slow : its routes take more than a second
    """

    name: str
    question: str
    model: Model
    equations: str
    source: tuple[str, ...]
    quantity: str
    unit: str
    tolerance: float
    because: str
    ours: tuple[str, Callable[[], float]]
    theirs: tuple[str, Callable[[], float]]
    zero: str = ""
    needs: tuple[str, ...]
    slow: bool = False


def polarisation(up: float, down: float) -> float:
    return float((up - down) / (up + down))


def by_gksl(model: Junction) -> float:
    return float(junction.solve(model, "gksl").spin_polarisation)


def lyapunov(p: full_fock.Parameters, magnetisation: int) -> float:
    """One-electron equation of motion G' = K G + G K^+ + alpha, solved by SciPy."""
    from scipy.linalg import solve_continuous_lyapunov

    alpha, beta = full_fock.rates(p, magnetisation)
    K = 1j * full_fock.one_body_hamiltonian(p).T - np.diag(alpha + beta) / 2
    n = solve_continuous_lyapunov(K, -np.diag(alpha)).diagonal().real
    left, _ = full_fock.couplings(p, magnetisation)
    return float(left @ (p.occupation_left - n))


def null_space(p: full_fock.Parameters, magnetisation: int) -> float:
    rho = full_fock.steady_state_null_space(p, magnetisation)
    return float(full_fock.current(p, magnetisation, rho))


def both(current: Callable[[int], float]) -> float:
    return polarisation(current(1), current(-1))


FREE = {"hopping_ab": 0.3, "coupling_b": 0.3, "lead_polarisation": 0.6, "twist": 1.0}
FREE_MODEL = Junction(hubbard=0, **FREE)
FREE_PLAIN = full_fock.with_hubbard(full_fock.Parameters(**FREE), 0.0)
ACHIRAL = {"molecules": 1, "spin_orbit": 0.3, "energy_b": 0.4, "lead_polarisation": 0.7}
GENERAL: dict[str, Any] = {
    "molecules": 1, "spin_orbit_vectors": [[0.2, 0.1, 0.3]], "hund": 0.4, "hubbard_a": 2.0,
    "hubbard_b": 2.0, "hubbard_ab_singlet": 2.0, "hubbard_ab_triplet": 2.0,
    "occupation_left": 0.9, "occupation_right": 0.2, "lead_polarisation": 0.7,
}  # fmt: skip
LEVELS = {"molecules": 1, "spin_orbit": 0.0, "coupling_a": 0.3, "coupling_b": 0.2, "lead_polarisation": 0.7}  # fmt: skip
GAP = {"molecules": 1, "spin_orbit": 0.3, "energy_b": 0.2, "coupling_b": 0.3}
NOISE = {"molecules": 1, "spin_orbit": 0.2, "energy_b": 0.3, "coupling_b": 0.25}
WARM = BiasedJunction(molecules=2, bias=2.0, thermal_energy=0.3, gate=-0.4, hopping_ab=0.3, lead_polarisation=0.6).replace(hubbard=0)  # fmt: skip
ONE = BiasedJunction(**bias.MONOMER)
CHAIN = EffectiveHelix(length=8, spin_orbit=-0.3, energy=(-1.0,))
HELIX = DoubleHelix(base_pairs=8, energy=(0.485,))
ALONE = HELIX.replace(probe="none")
FIELD = FermiLevelGas(
    mass=1.0, spin_orbit=-0.1, dresselhaus=0.035, fermi_energy=2.0, scattering_rate=1 / 3,
    zeeman=(0.05, 0.03, 0.0),
)  # fmt: skip
BARE = FIELD.replace(dresselhaus=0.0, zeeman=(0.0, 0.0, 0.0))
MOMENTA = levels.case(0.3, (0, 0, 0), [1.0], [(0.2, (0.3j, 0.1j, 0))], 0.7)
MIXED = levels.CASES["not normal"]
QUIET = contacts.A.replace(
    level_splitting=(0.0, 0.0, 0.0), lead_polarisation=(0.0, 0.0, 0.0), lead_potential=0.0,
    hybridisation_vector=(0j, 0j, 0j),
)  # fmt: skip
SPLIT = Gas(band_energy=-0.3, spin_splitting=(0.05, -0.02, 0.1), repulsion=0.2, thermal_energy=0.05)
TELLURIUM_HELIX = Crystal(
    hamiltonian="helix", point_group="none", chemical_potential=1.43, thermal_energy=0.2
)
CUBIC = Crystal(hamiltonian="cubic", chemical_potential=0.8, thermal_energy=0.2, spin_orbit=0.3)
FORMALDEHYDE = Molecule(
    structure="h2co", functional="hf", basis="sto-3g", spin_orbit_integrals="bare",
    pair="HOMO-1,HOMO", screening="none",
)  # fmt: skip
METAL = ChiralMetal(
    spin_orbit=metals.A, chemical_potential=(1 - metals.A**2) / 2, length=metals.LENGTH,
    screening_length=metals.SCREENING, position=metals.PLACES,
)  # fmt: skip


def gap_of_qutip() -> float:
    import qutip

    p = full_fock.Parameters(**GAP)
    L = qutip.liouvillian(qutip_junction.hamiltonian(p), qutip_junction.collapse_operators(p, 1))
    return float(np.sort(-np.linalg.eigvals(L.full()).real)[1])


def quadrature(magnetisation: int) -> float:
    """The current of the two-terminal formula, integrated by SciPy."""
    from chirospin.junction.bias.model import gated_hamiltonian, reservoirs_of
    from chirospin.junction.model import lead_couplings

    g, leads = lead_couplings(WARM)[magnetisation], reservoirs_of(WARM)
    ends = [(g[n], leads.potential[n], leads.thermal_energy[n]) for n in (0, 1)]
    return float(bias_dense.landauer(gated_hamiltonian(WARM), ends)[0])


def dense_bias() -> float:
    import qutip

    H, c, leads = bias.dense(ONE, 0)
    H, everything = bias.naive("perlind", H, c, leads, cutoff=0.0)
    rho = qutip.steadystate(qutip.Qobj(H), [qutip.Qobj(P) for P, _, _, _ in everything]).full()
    return float(bias_dense.currents(rho, everything)[0])


def chain_by_hand() -> float:
    N, t, so, twist = 8, CHAIN.hopping, CHAIN.spin_orbit, CHAIN.twist
    h = np.zeros((2 * N, 2 * N), dtype=complex)
    for n in range(N - 1):
        axis = scattering.SIGMA[1] * np.cos(n * twist) + scattering.SIGMA[2] * np.sin(n * twist)
        hop = t * np.eye(2) - 1j * so * axis
        h[2 * n : 2 * n + 2, 2 * n + 2 : 2 * n + 4] = hop
        h[2 * n + 2 : 2 * n + 4, 2 * n : 2 * n + 2] = hop.conj().T
    ends = [CHAIN.lead_coupling * scattering.touching(N, [n]) for n in (0, N - 1)]
    return float(scattering.polarisation(CHAIN.energy[0], h, *ends))


def double_helix_by_hand(model: DoubleHelix) -> float:
    N = model.base_pairs
    one = np.ones((2, 2))  # both strands in one channel
    ends = [
        model.lead_coupling * scattering.touching(2 * N, [n, n + 1], one) for n in (0, 2 * N - 2)
    ]
    probes = ()
    if model.probe != "none":
        probes = tuple(model.probe_coupling * scattering.touching(2 * N, [n]) for n in range(2 * N))
    h = scattering.double_helix(N)
    return float(scattering.polarisation(model.energy[0], h, *ends, probes))


def places() -> str:
    atoms = read_structure(FORMALDEHYDE.structure)
    return ", ".join(
        f"{symbol} ({', '.join(f'{x + 0.0:g}' for x in place)})"
        for symbol, place in zip(atoms.symbols, atoms.positions, strict=True)
    )


def formaldehyde_by_hand() -> float:
    from scipy.constants import fine_structure, physical_constants

    atoms = read_structure(FORMALDEHYDE.structure)
    G = hartree_fock_by_hand.spin_orbit(atoms.symbols, atoms.positions, 1, 0)
    hartree = physical_constants["Hartree energy in eV"][0]
    return float(np.linalg.norm(G) * fine_structure**2 / 4 * hartree)


def angular(model: FermiLevelGas, name: str) -> Any:
    a, d = 2 * model.spin_orbit, 2 * model.dresselhaus
    tensor = np.array([[d, a], [-a, -d], [0.0, 0.0]])
    return rashba_brute_force.fermi_level_matrix(
        2.0, 3.0, tensor, zeeman=np.array(model.zeeman, dtype=float)
    )[name].real


def spin_hall(model: FermiLevelGas) -> float:
    found = rashba.solve(model).spin_current_response.sel(spin="z", flow="y")
    return float(found)


def by_fock(model: Any) -> Any:
    return vibration_brute_force.exact_diagonalisation(
        levels.eps(model), levels.modes(model), model.thermal_energy, model.chemical_potential, 40
    )["moment"]


def moment(model: Any) -> Any:
    return vibration_brute_force.moment(Exact().solve(model).density)


def largest(values: Any) -> float:
    flat = np.ravel(values)
    return float(flat[np.abs(flat).argmax()].real)


PROBLEMS = (
    Declared(
        name="stack-without-repulsion",
        question="No magnetoresistance of two terminals without interaction, at infinite bias",
        model=FREE_MODEL, needs=FLAT,
        equations=f"{STACK}; {LEADS}", source=NOZAKI, quantity=P_MR, unit="1",
        tolerance=1e-9, because="residual 1e-12 over the slowest rate",
        zero="Onsager: T_LR(m) = T_LR(-m) of two terminals at every energy",
        ours=("chirospin: many-body master equation", lambda: by_gksl(FREE_MODEL)),
        theirs=("SciPy: Lyapunov equation of the one-body density", lambda: both(lambda m: lyapunov(FREE_PLAIN, m))),
    ),
    Declared(
        name="one-molecule-is-not-chiral",
        question="No magnetoresistance of one molecule with repulsion, whose spin-orbit vector lies across the axis",
        model=Junction(**ACHIRAL), needs=FLAT,
        equations=f"{STACK}; {LEADS}", source=NOZAKI, quantity=P_MR,
        unit="1", tolerance=1e-9, because="residual 1e-12 over the slowest rate",
        zero="half a turn about Lambda reverses the magnetisation and leaves the molecule as it is",
        ours=("chirospin: many-body master equation", lambda: by_gksl(Junction(**ACHIRAL))),
        theirs=("null space of the dense Liouvillian, 256 rows",
                lambda: both(lambda m: null_space(full_fock.Parameters(**ACHIRAL), m))),
    ),
    Declared(
        name="stack-at-finite-bias-without-repulsion",
        question="No magnetoresistance of two terminals without interaction, at finite bias and temperature",
        model=WARM, needs=BIASED, equations=f"{STACK}; {WIDE}; I = int dE/2pi Tr[Gamma_L G Gamma_R G+] (f_L - f_R), "
        "potentials (1/2 + asymmetry) V and (-1/2 + asymmetry) V; "
        f"gate is added to every level; {COUPLINGS}",
        source=("nozaki_fujita_2026, Eqs. (1)-(5)", "meir_wingreen_1992"), quantity=P_MR, unit="1",
        tolerance=1e-9, because="quadrature",
        zero="Onsager: T_LR(m) = T_LR(-m) of two terminals at every energy",
        ours=("chirospin: closed form with digamma functions",
              lambda: float(junction.solve(WARM, "landauer").spin_polarisation)),
        theirs=("SciPy: quadrature of the transmission", lambda: polarisation(quadrature(0), quadrature(1))),
    ),
    Declared(
        name="helix-of-one-orbital",
        question="No spin of the transmitted current along a chain of one orbital a site",
        model=CHAIN, needs=("length", "hopping", "spin_orbit", "twist", "lead_coupling", "energy"),
        equations="h = sum_n c+_n [t - i t_so (sigma_x cos q_n + sigma_y sin q_n)] c_{n+1} + h.c., "
        f"q_n = n twist; {WIDE}, Gamma on the end sites, both spins alike", source=("geyer_2020",),
        quantity=SPIN_OUT, unit="1", tolerance=1e-11, because=ROUNDED,
        zero="a rotation of the spin at each site removes the spin-orbit coupling of a chain",
        ours=("chirospin: models.effective_helix", lambda: largest(models.solve(CHAIN).transmitted_spin)),
        theirs=("NumPy: Green function of a matrix written out", chain_by_hand),
    ),
    Declared(
        name="double-helix-without-probes",
        question="No spin of the transmitted current of a coherent double helix whose lead has one channel",
        model=ALONE, needs=PAIRS, equations=f"{TWO_STRANDS}; {WIDE}; {CHANNEL}",
        source=("guo_sun_2012, written from memory: verify",), quantity=SPIN_OUT, unit="1",
        tolerance=1e-9, because=ROUNDED,
        zero="one channel of either spin: S is a multiple of a rotation under time reversal",
        ours=("chirospin: models.double_helix", lambda: largest(models.solve(ALONE).transmitted_spin)),
        theirs=("NumPy: Green function of a matrix written out", lambda: double_helix_by_hand(ALONE)),
    ),
    Declared(
        name="rashba-spin-hall-current",
        question="No spin Hall current of a disordered gas with Rashba coupling in a steady field",
        model=BARE, needs=("mass", "spin_orbit", "fermi_energy", "scattering_rate"),
        equations="H = p^2/2m + alpha (p_y sigma_x - p_x sigma_y), short-range impurities of rate 1/tau; "
        "linear response to a field along x, first order in the splitting over the Fermi energy",
        source=("khaetskii_2006",), quantity="q_yz: current along y of the spin along z per unit force",
        unit="e/(8 pi)", tolerance=1e-9, because="angular grid",
        zero="d sigma_y/dt is proportional to q_yz, and vanishes in a steady state",
        ours=("chirospin: rashba.fermi_level", lambda: spin_hall(BARE)),
        theirs=("kinetic equation on 24 angles", lambda: float(angular(BARE, "q")[1])),
    ),
    Declared(
        name="spin-hall-current-with-a-field",
        question="No spin Hall current with Rashba and Dresselhaus coupling and a magnetic field in the plane",
        model=FIELD, needs=GAS, equations="H = p^2/2m + alpha (p_y sigma_x - p_x sigma_y) + beta (p_x sigma_x - p_y sigma_y) + h.sigma/2, alpha = spin_orbit, "
        "beta = dresselhaus, h = zeeman; short-range impurities of rate 1/tau; first order in the splitting over the Fermi energy",
        source=("khaetskii_2006 (Rashba); Dresselhaus and field: this project's derivation",),
        quantity="q_yz: current along y of the spin along z per unit force", unit="e/(8 pi)",
        tolerance=1e-9, because="angular grid",
        zero="equations of motion of both spins in the plane give q_xz = q_yz = 0",
        ours=("chirospin: rashba.fermi_level", lambda: spin_hall(FIELD)),
        theirs=("kinetic equation on 24 angles", lambda: float(angular(FIELD, "q")[1])),
    ),
    Declared(
        name="vibration-coupled-to-momenta",
        question="No moment of a level that couples to momenta of a vibration: scattering alone does not polarise",
        model=MOMENTA, needs=LEVEL, equations="H = eps n + w b+ b + c+ (U b + U+ b+) c, U a 2x2 matrix, mu = 0; "
        "grand-canonical average <c+ sigma c>", source=("fransson_closed_shell",),
        quantity="largest component of the moment <c+ sigma c>", unit="1", tolerance=1e-9,
        because="truncation at 40 quanta", zero="the coupling is even under time reversal",
        ours=("chirospin: vibration, exact", lambda: largest(moment(MOMENTA))),
        theirs=("whole Fock space with 40 quanta", lambda: largest(by_fock(MOMENTA))),
    ),
    Declared(
        name="equilibrium-spin-of-a-contact",
        question="No spin around a molecule without moment on a spin-orbit metal in equilibrium",
        model=QUIET, needs=CONTACT, equations="H = p^2/2m + alpha p.sigma (metal), a level eps, hybridisation V at the origin, a second "
        "lead; spin density of the metal at the place r", source=("fransson_spinterface",),
        quantity="largest component of the spin density", unit="1/nm^3", tolerance=1e-9,
        because="quadrature", zero="time reversal",
        ours=("chirospin: spinterface.contact",
              lambda: largest(spinterface.solve(QUIET).spin_density_equilibrium)),
        theirs=("integral along the real axis",
                lambda: largest(spinterface_brute_force.consistent_equilibrium(*contacts.plain(QUIET))[0])),
        slow=True,
    ),
    Declared(
        name="stack-reference-point",
        question="Magnetoresistance of two molecules with repulsion at the reference point",
        model=Junction(), needs=FLAT,
        equations=f"{STACK}; {LEADS}", source=NOZAKI, quantity=P_MR, unit="1",
        tolerance=1e-8, because="both residuals 1e-12 over relaxation rates of 1e-3",
        ours=("chirospin: many-body master equation in charge sectors", lambda: by_gksl(Junction())),
        theirs=("QuTiP: liouvillian, connected block; SciPy: SuperLU",
                lambda: qutip_junction.spin_polarisation(full_fock.Parameters())),
        slow=True,
    ),
    Declared(
        name="one-molecule-with-exchange",
        question="Current of one molecule with a general spin-orbit vector and Kanamori exchange",
        model=Junction(**GENERAL), needs=FLAT,
        equations=f"{STACK}; {LEADS}", source=NOZAKI,
        quantity="I_up: current with the left lead magnetised up", unit="eV e/hbar", tolerance=1e-9,
        because="residual 1e-12 over the slowest rate",
        ours=("chirospin: many-body master equation",
              lambda: float(junction.solve(Junction(**GENERAL), "gksl").current[0])),
        theirs=("null space of the dense Liouvillian, 256 rows",
                lambda: null_space(full_fock.Parameters(**GENERAL), 1)),
    ),
    Declared(
        name="four-levels-in-parallel",
        question="Current of four levels without spin-orbit coupling and repulsion",
        model=Junction(**LEVELS).replace(hubbard=0), needs=FLAT,
        equations=f"{STACK}; {LEADS}", source=NOZAKI,
        quantity="I_up: current with the left lead magnetised up", unit="eV e/hbar", tolerance=1e-12,
        because=ROUNDED,
        ours=("chirospin: integral of the transmission by residues",
              lambda: float(junction.solve(Junction(**LEVELS).replace(hubbard=0), "landauer").current[0])),
        theirs=("closed form: sum of gL gR/(gL + gR)", lambda: float(sum(
            x * g / (x + g) for g in (0.3, 0.2) for x in (g * 1.7 / 2, g * 0.3 / 2)
        ))),
    ),
    Declared(
        name="noise-of-one-molecule",
        question="Zero-frequency noise of one molecule with repulsion",
        model=Junction(**NOISE), needs=FLAT,
        equations=f"{STACK}; {LEADS}; S = d^2 lambda/d chi^2 at 0 of the largest eigenvalue of "
        "the generator with a factor exp(+-chi) on jumps of the left lead", source=(*NOZAKI, "bagrets_nazarov_2003"),
        quantity="S_up: second cumulant of the charge per time, left lead magnetised up",
        unit="eV e^2/hbar", tolerance=1e-7, because="difference step 0.02, fourth order",
        ours=("chirospin: one adjoint solve",
              lambda: float(junction.solve(Junction(**NOISE), "gksl", observables=["noise"]).noise.values.flat[0])),
        theirs=("second difference of the growth rate",
                lambda: float(tilted_generator.cumulants(full_fock.Parameters(**NOISE), 1, [np.ones(4)], step=0.02)[1])),
    ),
    Declared(
        name="relaxation-gap-of-one-molecule",
        question="Slowest relaxation of one molecule with repulsion",
        model=SwitchedJunction(**GAP, time=(1.0,)), needs=FLAT,
        equations=f"{STACK}; {LEADS}", source=NOZAKI,
        quantity="smallest nonzero -Re of the eigenvalues of the generator, left lead magnetised up",
        unit="eV/hbar", tolerance=1e-9, because=ROUNDED,
        ours=("chirospin: inverse Krylov steps",
              lambda: float(-junction.Evolution().solve(SwitchedJunction(**GAP, time=(1.0,)), ["modes"]).decay[0, 0].real)),
        theirs=("QuTiP: liouvillian; NumPy: eigvals", gap_of_qutip),
    ),
    Declared(
        name="one-molecule-at-finite-bias",
        question="Current of one molecule with repulsion at finite bias by a positive master equation",
        model=ONE, needs=BIASED, equations=f"{STACK}; in eigenstates of H an electron leaves by <a|J|b> = sqrt(g_k (1 - f(E_b - E_a))) <a|c_k|b> and enters "
        "by <b|J|a> = sqrt(g_k f(E_b - E_a)) <b|c+_k|a>, one J for each lead and spin-orbital, without Lamb shift; potentials "
        "(1/2 + asymmetry) V and (-1/2 + asymmetry) V, k_BT of the leads: thermal_energy +- difference/2; "
        f"gate is added to every level; {COUPLINGS}",
        source=("nathan_rudner_2020", "nozaki_fujita_2026, Eqs. (1)-(5)"),
        quantity="I_up: current with the left lead magnetised up", unit="eV e/hbar", tolerance=1e-8,
        because="steadystate of QuTiP",
        ours=("chirospin: perlind in charge sectors",
              lambda: float(PositiveLindblad().solve(ONE).lead_current[0, 0])),
        theirs=("QuTiP: steadystate with dense jump operators", dense_bias),
    ),
    Declared(
        name="double-helix-with-dephasing",
        question="Spin of the transmitted current of a double helix whose sites have dephasing probes",
        model=HELIX, needs=(*PAIRS, "probe_coupling"), equations=f"{TWO_STRANDS}; {WIDE}; {CHANNEL}; a probe on each site, both spins alike, carries no current at any energy",
        source=("guo_sun_2012, written from memory: verify", "d_amato_pastawski_1990"), quantity=SPIN_OUT,
        unit="1", tolerance=1e-9, because=ROUNDED,
        ours=("chirospin: models.double_helix", lambda: largest(models.solve(HELIX).transmitted_spin)),
        theirs=("NumPy: sums over a matrix written out", lambda: double_helix_by_hand(HELIX)),
    ),
    Declared(
        name="spin-of-a-gas-in-a-field",
        question="Spin that a field induces in a gas with Rashba and Dresselhaus coupling and a Zeeman energy",
        model=FIELD, needs=GAS, equations="H = p^2/2m + alpha (p_y sigma_x - p_x sigma_y) + beta (p_x sigma_x - p_y sigma_y) + h.sigma/2, alpha = spin_orbit, "
        "beta = dresselhaus, h = zeeman; short-range impurities of rate 1/tau; first order in the splitting over the Fermi energy",
        source=("khaetskii_2006 (Rashba); Dresselhaus and field: this project's derivation",),
        quantity="density of the spin sigma_y/2 per unit force along x", unit="1/(eV*nm)", tolerance=1e-8,
        because="angular grid",
        ours=("chirospin: rashba.fermi_level",
              lambda: float(rashba.solve(FIELD).spin_response.values[1])),
        theirs=("kinetic equation on 24 angles", lambda: float(angular(FIELD, "sigma")[1] / 2)),
    ),
    Declared(
        name="moment-of-a-vibrating-level",
        question="Moment of a level whose coupling to one vibration commutes with nothing",
        model=MIXED, needs=LEVEL, equations="H = eps n + c+ (Delta.sigma) c + w b+ b + c+ (U b + U+ b+) c, U a 2x2 matrix; "
        "grand-canonical average", source=("fransson_closed_shell",),
        quantity="largest component of <c+ sigma c>", unit="1", tolerance=1e-9,
        because="truncation at 40 quanta",
        ours=("chirospin: vibration, exact", lambda: largest(moment(MIXED))),
        theirs=("whole Fock space with 40 quanta", lambda: largest(by_fock(MIXED))),
    ),
    Declared(
        name="polarisation-of-one-wavevector",
        question="Spin of one wavevector of a split band with repulsion of its two electrons",
        model=SPLIT, needs=("band_energy", "spin_splitting", "repulsion", "thermal_energy"),
        equations="H = eps (n_up + n_down) + c+ (d.sigma) c + U n^2, n = n_up + n_down, d the spin splitting; in the grand-canonical average",
        source=("fransson_spinterface",), quantity="largest component of the polarisation", unit="1",
        tolerance=1e-11, because=ROUNDED,
        ours=("chirospin: spinterface.gas", lambda: largest(spinterface.solve(SPLIT).spin_polarisation)),
        theirs=("4 x 4 matrices of fermions",
                lambda: largest(spinterface_finite_systems.correlated_k(-0.3, np.array([0.05, -0.02, 0.1]), 0.2, 0.05)["pol"])),
    ),
    Declared(
        name="edelstein-of-a-cubic-crystal",
        question="Spin that a field induces in a cubic chiral crystal of two bands",
        model=CUBIC, needs=("mass", "spin_orbit", "lattice_constant", "chemical_potential", "thermal_energy"),
        equations="H(k) = sum_i (1 - cos k_i)/m + alpha sin(k).sigma; "
        "chi_zz = int d3k/(2pi)^3 sum_n (-f') s_z v_z, s = sigma/2, all bands, lattice constant and mass of the parameters",
        source=("own",), quantity="chi_zz, spin in hbar", unit="1/nm^2", tolerance=1e-6,
        because="grids of 24 and 36 points, differences of 1e-4",
        ours=("chirospin: crystal, k-grid of 24 points",
              lambda: float(KGrid(points=24, shifts="0.1;0.6").solve(CUBIC).edelstein[2, 2])),
        theirs=("two bands by hand on 36 points",
                lambda: float(crystals.naive_cubic(1.0, 0.3, 0.8, 0.2, 36)[0])),
        slow=True,
    ),
    Declared(
        name="edelstein-of-a-helix-on-a-grid",
        question="Spin that a field along the axis induces in a crystal of right-handed helices, on a stated grid",
        model=TELLURIUM_HELIX, needs=("chemical_potential", "thermal_energy"), equations=TELLURIUM,
        source=("own; lattice as the built-in helix of this package states it",), quantity="chi_zz, spin in hbar",
        unit="1/nm^2", tolerance=1e-11, because=ROUNDED,
        ours=("chirospin: crystal, k-grid",
              lambda: float(KGrid(points=3, shifts="0.1").solve(TELLURIUM_HELIX).edelstein[2, 2])),
        theirs=("Bloch sums atom by atom",
                lambda: float(helix_by_hand.edelstein_zz(3, 0.1, 1.43, 0.2))),
    ),
    Declared(
        name="quadratic-spin-of-a-chiral-metal",
        question="Spin of second order in the current near the contact of a chiral metal",
        model=METAL, needs=SLAB, equations="Boltzmann equation of H = k^2/2m + alpha k.sigma between contacts, relaxation time and "
        "screening of the parameters; profiles at the places of the parameters",
        source=("yoshimi_2026",), quantity="spin of second order at z = 1, over (alpha/pi^2)/4", unit="1",
        tolerance=1e-6, because="grids",
        ours=("chirospin: chiral_metal, boltzmann", lambda: float(metals.ours(Boltzmann())["S2"][3])),
        theirs=("another discretisation", lambda: float(metals.warm(0.0)["S2"][3])),
        slow=True,
    ),
    Declared(
        name="spin-orbit-of-formaldehyde",
        question="Spin-orbit element between the two highest filled orbitals of formaldehyde, bare nuclei",
        model=FORMALDEHYDE, needs=("functional", "basis", "charge", "pair"),
        equations="restricted Hartree-Fock in the minimal basis STO-3G; "
        f"nuclei at {places()} angstrom; h = i (alpha^2/4) G.sigma hartree with G = - sum_A Z_A <a| r_A x nabla / r_A^3 |b>, alpha the "
        "fine-structure constant, a = HOMO-1, b = HOMO",
        source=("Breit and Pauli's operator without its two-electron part",),
        quantity="|(alpha^2/4) G|", unit="eV", tolerance=1e-7,
        because="orbital gradient of the self-consistent field, 1e-6 hartree",
        ours=("chirospin: molecule (PySCF: self-consistent field and integrals)",
              lambda: float(molecule.solve(FORMALDEHYDE).spin_orbit)),
        theirs=("Hermite Gaussians and self-consistent field written out", formaldehyde_by_hand),
        slow=True,
    ),
)  # fmt: skip


def parameters(problem: Declared) -> dict[str, Any]:
    """The parameters of a problem with unit and meaning."""
    model, found = problem.model, {}
    for name in problem.needs:
        value, info = getattr(model, name), model.parameter_info(name)
        if value is not None:
            found[name] = {"value": plain(value), "unit": info.unit, "meaning": info.about}
    return found


def plain(value: Any) -> Any:
    """For JSON; a complex number is [real, imaginary]."""
    if isinstance(value, complex):
        return [value.real, value.imag]
    if isinstance(value, (tuple, list)):
        return [plain(one) for one in value]
    return value


def rounded(problem: Declared, value: float) -> float:
    """To the digits that the tolerance leaves."""
    return round(value, DIGITS_BELOW - int(np.floor(np.log10(problem.tolerance)))) + 0.0


def routes(problem: Declared) -> tuple[float, float]:
    """Both numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return problem.ours[1](), problem.theirs[1]()


def declared_text(problem: Declared) -> dict[str, Any]:
    """Everything of the file but the numbers."""
    return {
        "name": problem.name,
        "question": problem.question,
        "model": (type(problem.model).__doc__ or "").strip().splitlines()[0],
        "equations": problem.equations,
        "source": list(problem.source),
        "parameters": parameters(problem),
        "quantity": problem.quantity,
        "unit": problem.unit,
        "conventions": CONVENTIONS,
        "kind": "zero" if problem.zero else "number",
        "zero_because": problem.zero,
        "tolerance": problem.tolerance,
        "tolerance_because": problem.because,
    }


def record(problem: Declared) -> dict[str, Any]:
    """The file of a problem.

    Raises
    ------
    ArithmeticError : the routes differ, or a zero is none
    """
    ours, theirs = routes(problem)
    exact = 0.0 if problem.zero else ours
    if not max(abs(ours - exact), abs(theirs - exact)) <= problem.tolerance:
        raise ArithmeticError(f"{problem.name}: {ours!r} and {theirs!r}")
    return declared_text(problem) | {
        "value": rounded(problem, exact),
        "routes": [
            {"name": name, "value": rounded(problem, value)}
            for name, value in ((problem.ours[0], ours), (problem.theirs[0], theirs))
        ],
    }


def main(folder: Path = PROBLEMS_FOLDER, names: list[str] | None = None) -> int:
    """Write the files; names may pick some."""
    failed = 0
    for problem in PROBLEMS:
        if names and problem.name not in names:
            continue
        try:
            text = json.dumps(record(problem), indent=1, ensure_ascii=False)
        except Exception as error:
            failed += 1
            sys.stdout.write(f"FAILED {problem.name}: {error}\n")
            continue
        (folder / f"{problem.name}.json").write_text(text + "\n", encoding="utf-8")
        sys.stdout.write(f"wrote {problem.name}\n")
        sys.stdout.flush()
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(names=sys.argv[1:]))
