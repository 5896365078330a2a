"""Molecules against other ways to the same numbers: quadrature, splitting of a dimer, total energies."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from chirospin import junction, molecule
from chirospin.base.spin import PAULI
from chirospin.junction.model import one_body_hamiltonian
from chirospin.molecule import spin_orbit
from chirospin.molecule.kohn_sham import KohnSham, StackedKohnSham
from chirospin.molecule.mean_field import HARTREE, charged_energy
from chirospin.molecule.model import Molecule, MoleculeStack

QUICK = {"functional": "hf", "basis": "sto-3g"}
FLAT = MoleculeStack(
    structure="h2cs", pair="HOMO-1,HOMO", pivot="mid-bond", screening="none", **QUICK
)


def test_sign_and_size_of_the_integrals_by_quadrature() -> None:
    r"""G = - sum_A Z_A <mu| (r_A x grad)/r_A^3 |nu> on a grid, with nothing of the integral library."""
    from pyscf import dft, gto

    two = gto.M(atom="O 0 0 0; H 0.3 0.5 0.8", basis="sto-3g", spin=1, verbose=0)
    grid = dft.gen_grid.Grids(two)
    grid.level = 6
    grid.build()
    values = two.eval_gto("GTOval_sph_deriv1", grid.coords)
    found = np.zeros((3, two.nao, two.nao))
    for Z, place in zip(two.atom_charges(), two.atom_coords(), strict=True):
        r = grid.coords - place
        turned = np.cross(r[:, :, None], values[1:].transpose(1, 0, 2), axisa=1, axisb=1)
        weight = -Z * grid.weights / np.linalg.norm(r, axis=1) ** 3
        found += np.einsum("g,gm,gnx->xmn", weight, values[0], turned)
    G = spin_orbit.one_centre_field(two, np.zeros((two.nao, two.nao)))
    assert np.abs(found - G).max() < 2e-3 * np.abs(G).max()
    assert np.abs(found + G).max() > 0.5 * np.abs(G).max()


def test_one_atom_has_only_one_centre(tmp_path) -> None:
    """The full two-electron part, contracted on the fly, against blocks of all its integrals."""
    path = tmp_path / "neon.xyz"
    path.write_text("1\n\nNe 0 0 0\n")
    found = [
        KohnSham()
        .upright_monomer(
            Molecule(structure=str(path), functional="hf", basis="6-31g", spin_orbit_integrals=kind)
        )
        .G
        for kind in ("amfi", "somf")
    ]
    assert np.abs(found[0] - found[1]).max() < 1e-9 * np.abs(found[0]).max()


def test_a_far_electron_sees_the_core_as_one_charge() -> None:
    """Two electrons close to a nucleus leave Z - 2 of it to a p electron far away."""
    from pyscf import gto

    basis = {"Ne": [[0, [2e4, 1.0]], [1, [0.05, 1.0]]]}
    atom = gto.M(atom="Ne 0 0 0", basis=basis, verbose=0)
    density = np.diag([2.0, 0, 0, 0])
    full = spin_orbit.one_centre_field(atom, density)[:, 1:, 1:]
    bare = spin_orbit.one_centre_field(atom, 0 * density)[:, 1:, 1:]
    assert np.abs(full).max() / np.abs(bare).max() == pytest.approx(8 / 10, abs=2e-3)


def test_scaled_nuclei_are_bare_ones_with_other_charges(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the charges of the nuclei the sum over atoms is PySCF's own integral over all of them."""
    from chirospin.molecule.mean_field import ground
    from chirospin.molecule.model import Theory
    from chirospin.molecule.structure import read_structure

    theory = Theory(functional="hf", basis="sto-3g", charge=0)
    state = ground(read_structure("h2co"), theory, 0, KohnSham().numerics())
    bare = np.asarray(state.basis.intor("int1e_pnucxp"))
    assert np.abs(spin_orbit._effective(state)).max() < 0.8 * np.abs(bare).max()
    monkeypatch.setattr(spin_orbit, "effective_charge", float)
    assert np.abs(spin_orbit._effective(state) - bare).max() < 1e-10


def test_hopping_is_half_the_splitting_of_an_eclipsed_dimer() -> None:
    """Two molecules face to face: orbitals of the dimer are sums and differences, 2 t apart."""
    from chirospin.molecule.mean_field import ground
    from chirospin.molecule.structure import Structure

    model = FLAT.replace(twist=0.0, rise=0.4)
    state = StackedKohnSham().solve(model)
    theory = state.first.state.theory
    both = Structure(
        symbols=state.sites[0].structure.symbols * 2,
        positions=np.concatenate([s.structure.positions for s in state.sites]),
    )
    dimer = ground(both, theory, 0, KohnSham().numerics())
    top = HARTREE * dimer.energies[dimer.filled - 2 : dimer.filled]
    # orbitals of other molecules mix in: 3 % of the splitting
    assert abs(state.matrices.one_body[0, 1, 1, 1]) == pytest.approx((top[1] - top[0]) / 2, rel=0.1)


def test_the_model_of_one_molecule_has_the_energies_of_its_ions() -> None:
    """Fock space of two orbitals: energies of four, three and two electrons are total energies of molecules."""
    model = FLAT.replace(molecules=1, screening="dscf")
    state = StackedKohnSham().solve(model)
    ds = molecule.solve(model)
    e, U = ds.energies.values[0], [float(ds[n]) for n in ("hubbard_a", "hubbard_b")]
    s, t = float(ds.hubbard_ab_singlet), float(ds.hubbard_ab_triplet)

    def energy(occupied: tuple[int, int, int, int]) -> float:
        a_up, a_down, b_up, b_down = occupied
        return (
            e[0] * (a_up + a_down)
            + e[1] * (b_up + b_down)
            + U[0] * a_up * a_down
            + U[1] * b_up * b_down
            + s * (a_up * b_down + a_down * b_up)
            + t * (a_up * b_up + a_down * b_down)
        )

    first, frame = state.first.state, state.first.frame
    a, b = (int(n) for n in state.first.window[list(state.pair)])
    whole = HARTREE * first.energy
    for up, down in itertools.product(((), (a,), (b,), (a, b)), repeat=2):
        if not 0 < len(up) + len(down) <= 2:
            continue
        ion = HARTREE * charged_energy(first, frame, (up, down), -1, 1.0, KohnSham().numerics())
        left = (a not in up, a not in down, b not in up, b not in down)
        own = energy(tuple(map(int, left))) - energy((1, 1, 1, 1))
        if sorted([*up, *down]) == sorted(down) or len(down) <= len(up):
            assert own == pytest.approx(ion - whole, abs=2e-4)


def test_the_junction_has_the_matrix_of_the_stack() -> None:
    """One-body matrix built here from the stored arrays, next neighbours and spin-orbit coupling included."""
    ds = molecule.solve(FLAT.replace(molecules=3, twist=0.7))
    model = junction.Junction.from_result(ds, coupling=0.05)
    h, v = ds.one_body.values, ds.spin_orbit_vectors.values
    M = ds.sizes["molecule"]
    own = np.zeros((M, 2, 2, M, 2, 2), dtype=complex)
    for i in range(M):
        for j in range(M):
            for spin in range(2):
                own[i, :, spin, j, :, spin] = h[i, :, j]
        inner = 1j * np.einsum("k,kst->st", v[i], PAULI)
        own[i, 1, :, i, 0, :] += inner
        own[i, 0, :, i, 1, :] += inner.conj().T
    own = own.reshape(4 * M, 4 * M)
    given = one_body_hamiltonian(model)
    shift = np.trace(own - given).real / (4 * M)
    assert np.abs(own - given - shift * np.eye(4 * M)).max() < 1e-12
    assert model.hund == float(ds.hund)
    assert model.hubbard_ab_triplet == pytest.approx(model.hubbard_ab_singlet - model.hund)


def test_a_uniform_repulsion_is_part_of_that_on_a_molecule() -> None:
    """V between molecules and U, or none and U - V: the same polarisation at infinite bias."""
    ds = molecule.solve(FLAT)
    V = float(ds.intersite_repulsion)
    whole = junction.Junction.from_result(ds, coupling=0.05)
    U = {n: float(ds[n]) - V for n in ("hubbard_a", "hubbard_b", "hubbard_ab_singlet")}
    U["hubbard_ab_triplet"] = float(ds.hubbard_ab_triplet) - V
    # V n1 n2 = V (N^2 - n1^2 - n2^2)/2 lowers each level by V/2 and each repulsion by V
    less = whole.replace(intersite_repulsion=0.0, **U)
    P = [float(junction.solve(one).spin_polarisation) for one in (whole, less)]
    assert P[0] == pytest.approx(P[1], rel=1e-6)  # two solves, residual over the slowest rate
    other = whole.replace(intersite_repulsion=0.0)
    assert abs(float(junction.solve(other).spin_polarisation) / P[0] - 1) > 1e-3
