"""Laws of crystals, each with a control that breaks it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chirospin.crystal import Crystal, FermiSurface, KGrid, kept, sums
from chirospin.crystal.audit import CHECKS
from chirospin.crystal.bands import band_flow
from chirospin.crystal.bloch import AnalyticBloch, TightBinding, spin_matrices, tellurium
from chirospin.crystal.certificate import certify
from chirospin.crystal.samples import helix, write_tb
from chirospin.crystal.sums import Grid, grid_sums
from chirospin.crystal.symmetry import (
    allowed_shifts,
    allows,
    declared_group,
    on_reciprocal,
    projected,
)
from chirospin.crystal.tetrahedra import corner_shares
from chirospin.wannier.real_space import Operation, pauli_spin
from tests.laws.chiral_metals import number
from tests.laws.crystals import (
    pauli_crystal,
    random_crystal,
    relabelled,
    system_folder,
    turned,
)

EXACT = 1e-12
"""Of a tensor without cancellation: sums of some thousand terms in double precision."""
NEAR = 1e-9
"""The same with the slopes of bands that come as near as 1e-3 eV to one another, which divide by it."""
PLAIN: frozenset[str] = frozenset()
ALL = frozenset({"slope", "orbital"})


@cache
def chiral(hand: int = 1) -> Any:
    """The helix with its spin, and its point group."""
    found = helix(hand)
    found = found.with_spin(pauli_spin(found, "interleaved", 1e-3))
    return TightBinding(found), declared_group("auto", found)


def summed(
    bloch: Any,
    points: int = 6,
    shift: float = 0.0,
    parts: Any = PLAIN,
    T: float = 0.05,
    **kind: Any,
) -> Any:
    requests = kind.pop("requests", [(1.0, T)])
    grid = Grid(points=(points,) * 3, shift=(shift,) * 3, stars=kind.pop("stars", ()))
    return grid_sums(bloch, grid, requests, parts, kind.pop("levels", 0))


def apart(one: Any, other: Any, sign: float = 1.0, name: str = "edelstein") -> float:
    """Largest difference of a tensor, over its size without cancellation."""
    return float(
        np.abs(one.tensors[name] - sign * other.tensors[name]).max() / one.sizes[name].max()
    )


def test_the_mirror_image_has_the_opposite_spin():
    """The mirror z -> -z is the other hand: chi -> -det M chi M^T, D -> D. Both hands are built apart."""
    right, left = (summed(chiral(hand)[0], parts=ALL) for hand in (1, -1))
    assert apart(right, left, -1) < EXACT
    assert apart(right, left, name="charge") < EXACT
    assert apart(right, left, -1, "orbital") < EXACT
    assert np.abs(right.tensors["edelstein"]).max() > 1e-2 * right.sizes["edelstein"][0]
    assert apart(right, left) > 1e-2  # control: they are not the same crystal


@given(seed=st.integers(0, 10**6))
@settings(max_examples=8)
def test_nothing_depends_on_where_the_centres_are(seed: int):
    """Centres shift phases; chi, D and K with the band velocity keep. The orbital part may not."""
    found = random_crystal(seed)
    moved = replace(found, centres=found.centres + np.random.default_rng(seed).normal(size=(4, 3)))
    one, other = (summed(TightBinding(m), 4, 0.1, ALL, 0.3) for m in (found, moved))
    for name in ("edelstein", "charge", "slope"):
        assert apart(one, other, name=name) < EXACT
    assert apart(one, other, name="orbital") > 1e-6  # control


@given(seed=st.integers(0, 10**6))
@settings(max_examples=8)
def test_nothing_depends_on_the_basis(seed: int):
    """A constant unitary of H(R) and S(R); of H(R) alone it is another crystal."""
    found = random_crystal(seed)
    rng = np.random.default_rng(seed)
    U = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    turned = replace(
        found, hamiltonian=U.conj().T @ found.hamiltonian @ U, spin=U.conj().T @ found.spin @ U
    )
    wrong = replace(turned, spin=found.spin)
    one, other, third = (
        summed(TightBinding(m), 4, 0.1, frozenset({"slope"}), 0.3) for m in (found, turned, wrong)
    )
    for name in ("edelstein", "charge", "slope"):
        assert apart(one, other, name=name) < 10 * EXACT
    assert apart(one, third) > 1e-6


@given(seed=st.integers(0, 10**6))
@settings(max_examples=6)
def test_nothing_depends_on_how_functions_are_chosen(seed: int):
    """Mixed in each cell, counted to other cells, mixed again: a basis that turns with k. Without the position operator
    the operator {s, v}/2 does depend on it.
    """
    found = random_crystal(seed)
    rng = np.random.default_rng(seed)
    U, W = (
        np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0] for _ in range(2)
    )
    other = turned(relabelled(turned(found, U), rng.integers(-1, 2, size=(4, 3))), W)
    blind = replace(other, position=np.zeros_like(other.position))
    parts = frozenset({"slope", "operator"})
    one, two, three = (summed(TightBinding(m), 3, 0.1, parts, 0.3) for m in (found, other, blind))
    for name in ("edelstein", "charge", "slope", "operator"):
        assert apart(one, two, name=name) < NEAR, name
    assert apart(one, three, name="operator") > 1e-4  # control


@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (0.0, 0.0, 0.5)])
def test_one_point_of_each_star_is_enough(shift: Any):
    bloch, group = chiral()
    turns = tuple(on_reciprocal(g, bloch.cell) for g in group)
    requests = [(0.9, 0.05), (1.3, 0.1)]
    whole = grid_sums(bloch, Grid(points=(6, 6, 5), shift=shift), requests, ALL, 0)
    part = grid_sums(bloch, Grid(points=(6, 6, 5), shift=shift, stars=turns), requests, ALL, 0)
    assert part.points < whole.points / 6
    for name, shape in (
        ("edelstein", (3, 3)),
        ("charge", (3, 3)),
        ("orbital", (3, 3)),
        ("slope", (3, 3, 3, 3)),
    ):
        for n in range(2):
            one = whole.tensors[name][n].reshape(shape)
            other = projected(name, part.tensors[name][n].reshape(shape), group)
            assert np.abs(one - other).max() < NEAR * whole.sizes[name][n], name
            assert np.abs(one - projected(name, one, group)).max() < NEAR * whole.sizes[name][n], (
                name
            )
    raw = part.tensors["edelstein"][0].reshape(
        3, 3
    )  # control: without the projection it is no tensor of the group
    assert (
        np.abs(raw - projected("edelstein", raw, group)).max() > 1e-4 * whole.sizes["edelstein"][0]
    )


def test_shifts_that_a_group_allows():
    bloch, group = chiral()
    turns = [on_reciprocal(g, bloch.cell) for g in group]
    assert allowed_shifts(turns, (4, 4, 4)) == [(0.0, 0.0, 0.5), (0.0, 0.0, 0.0)]
    assert not allows(turns, (4, 4, 4), (0.1, 0.1, 0.1))
    assert not allows(turns, (4, 5, 4), (0.0, 0.0, 0.0))
    reversal = [np.eye(3, dtype=int), -np.eye(3, dtype=int)]
    assert len(allowed_shifts(reversal, (4, 5, 6))) == 8


def test_boxes_leave_nothing_out(monkeypatch: pytest.MonkeyPatch):
    """Points far from the window are not looked at; the sum keeps. Steeper bands than assumed are noticed."""
    bloch, group = chiral()
    turns = tuple(on_reciprocal(g, bloch.cell) for g in group)
    requests = [(1.42, 0.002), (1.44, 0.001)]
    grid = Grid(points=(48, 48, 48), shift=(0.0, 0.0, 0.5), stars=turns)
    whole, part = (grid_sums(bloch, grid, requests, PLAIN, n) for n in (0, None))
    assert part.points < 0.8 * whole.points
    assert apart(whole, part) < 1e-13
    steepest = kept.STEEPER
    monkeypatch.setattr(kept, "STEEPER", 0.05)
    monkeypatch.setattr(sums, "TRIES", 1)
    lost = grid_sums(
        bloch, grid, requests, PLAIN, None
    )  # control: a slope far too small, not corrected
    assert apart(whole, lost) > 1e-3
    monkeypatch.setattr(sums, "TRIES", 4)
    mended = grid_sums(bloch, grid, requests, PLAIN, None)
    assert apart(whole, mended) < 1e-13
    assert steepest > 1


def test_one_pass_serves_all_levels_and_temperatures():
    model = Crystal(hamiltonian="cubic", spin_orbit=0.3)
    models = [
        model.replace(chemical_potential=mu, thermal_energy=T)
        for mu in (0.4, 1.0)
        for T in (0.0, 0.1, 0.3)
    ]
    method = KGrid(points=12, tolerance=1.0)
    for one, state in zip(models, method.solve_many(models), strict=True):
        assert state.edelstein == pytest.approx(method.solve(one).edelstein, abs=1e-13)


def test_where_bands_touch_the_basis_does_not_matter():
    """At points that time reversal maps onto themselves all bands are pairs, and <s><v> depends on the solver."""
    bloch, _ = chiral()
    k = np.array([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]]) @ bloch.cell
    E, U = np.linalg.eigh(bloch.hamiltonian(k))
    rng = np.random.default_rng(0)
    turned = U.copy()
    for p in range(2):
        for pair in range(9):
            Q = np.linalg.qr(rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2)))[0]
            turned[p][:, 2 * pair : 2 * pair + 2] = U[p][:, 2 * pair : 2 * pair + 2] @ Q
    one, other = (band_flow(bloch, k, frozenset({"orbital"}), solved=(E, X)) for X in (U, turned))
    for name in ("edelstein", "charge", "orbital"):
        assert one.products[name] == pytest.approx(other.products[name], abs=1e-13)
    naive = [f.spin[:, :, :, None] * f.velocity[:, :, None] for f in (one, other)]
    assert np.abs(naive[0] - naive[1]).max() > 1e-3  # control: what is not shared does


def test_unshifted_and_shifted_grids_converge_to_one_another():
    bloch, _ = chiral()
    small, large = (
        apart(summed(bloch, n, 0.0, T=0.2), summed(bloch, n, 0.5, T=0.2)) for n in (4, 12)
    )
    assert large < small / 4


def swapped(matrices: Any) -> Any:
    """The two functions of the first pair exchanged in the spin alone: still a spin 1/2 under time reversal."""
    order = [1, 0, *range(2, matrices.functions)]
    return matrices.with_spin(matrices.spin[:, :, order][:, :, :, order])


def test_the_certificate_of_a_sound_crystal_and_of_wrong_spins():
    """Right: rounding. Another order: both tests fire. One pair exchanged: time reversal alone is blind to it."""
    right = chiral()[0].matrices
    group = chiral()[1]
    sound = certify(TightBinding(right), group)
    assert np.abs(sound.rows).max() < 1e-9
    blocked = right.with_spin(pauli_spin(right, "blocked", 1.0))
    wrong = certify(TightBinding(blocked), group)
    assert wrong.tr_spin > 0.3
    assert wrong.crystal_spin > 0.3
    pair = certify(TightBinding(swapped(right)), group)
    assert pair.tr_spin < 1e-9
    assert pair.crystal_spin > 0.1
    long = certify(TightBinding(right.with_spin(1.2 * right.spin)), group)
    assert long.excess == pytest.approx(0.1)


def test_a_broken_hamiltonian_is_told_from_a_wrong_spin():
    right, group = chiral()[0].matrices, chiral()[1]
    H = right.hamiltonian.copy()
    home = int(np.flatnonzero((right.vectors == 0).all(axis=1))[0])
    H[home, 0, 0] += 0.3
    H[home, 1, 1] += 0.3
    found = certify(TightBinding(replace(right, hamiltonian=H)), group)
    assert found.crystal_energy > 0.05
    assert np.isnan(found.crystal_spin)  # not decided, so not passed
    assert found.tr_energy < 1e-12
    H[home, 1, 1] -= 0.6
    magnetic = certify(TightBinding(replace(right, hamiltonian=H)), group)
    assert magnetic.magnetic
    assert np.isnan(magnetic.tr_spin)


def test_a_magnetic_crystal_is_not_held_to_the_group_of_its_atoms(tmp_path: Path):
    """A field on the spins: rows of time reversal and of the atoms' rotations have no meaning, and none fails."""
    found = helix()
    H = found.hamiltonian.copy()
    home = int(np.flatnonzero((found.vectors == 0).all(axis=1))[0])
    H[home] += 0.5 * np.kron(np.eye(9), np.diag([1, -1]))
    write_tb(tmp_path / "magnet", replace(found, hamiltonian=H))
    model = Crystal(
        hamiltonian=str(tmp_path / "magnet_tb.dat"), spin="pauli-interleaved", chemical_potential=0.5,
        thermal_energy=0.5,
    )  # fmt: skip
    (state,) = KGrid(points=4, raisings=0).solve_many([model])
    assert state.certificate.magnetic
    assert np.isnan(state.certificate.tr_spin)
    assert np.isnan(state.certificate.crystal_energy)
    names = {check.name: check.evaluate(model, state) for check in CHECKS}
    assert names["tr_energy"] is None
    assert names["crystal_energy"] is None


def test_a_small_tensor_is_no_certificate():
    """A spin of the wrong order on a crystal with a centre: the tensor vanishes all the same, the test fires."""
    found = pauli_crystal(3)
    even = replace(
        found,
        hamiltonian=(found.hamiltonian + found.hamiltonian[::-1]) / 2,
        centres=np.zeros((4, 3)),
    )
    blocked = even.with_spin(pauli_spin(even, "blocked", 1.0))
    sums = summed(TightBinding(blocked), 4, 0.5, T=0.3)
    assert np.abs(sums.tensors["edelstein"]).max() < 1e-10 * sums.sizes["edelstein"][0]
    inversion = tuple(
        Operation(rotation=s * np.eye(3), reversal=t) for s in (1, -1) for t in (False, True)
    )
    assert certify(TightBinding(blocked), inversion).tr_spin > 0.05
    assert certify(TightBinding(even), inversion).tr_spin < 1e-9


def test_a_null_tensor_is_a_result(tmp_path: Path):
    """With a centre of inversion nothing is induced: converged, zero within error, whatever the noise is."""
    found = pauli_crystal(3)
    even = replace(found, hamiltonian=(found.hamiltonian + found.hamiltonian[::-1]) / 2)
    model = Crystal(
        hamiltonian=str(system_folder(even, tmp_path / "even")), chemical_potential=0.1, thermal_energy=0.3,
        point_group="none",
    )  # fmt: skip
    state = KGrid(points=12).solve(model)
    assert state.outcome.converged
    assert (np.abs(state.edelstein) <= state.errors["edelstein"]).all()
    assert state.errors["edelstein"].max() < 1e-5 * state.sizes["edelstein"]


@pytest.mark.parametrize(("points", "T"), [(6, 0.001), (1, 0.0)])
def test_a_surface_that_the_grid_misses_is_no_gap(points: int, T: float):
    model = Crystal(hamiltonian="cubic", chemical_potential=0.48, thermal_energy=T)
    (state,) = KGrid(points=points, raisings=0).solve_many([model])
    assert not state.outcome.converged
    assert "take more points" in state.outcome.reason


def test_a_gap_is_a_result():
    state = KGrid(points=8).solve(
        Crystal(hamiltonian="cubic", chemical_potential=-3.0, thermal_energy=0.02)
    )
    assert state.outcome.converged
    assert not state.charge.any()


@given(corners=st.lists(number(-1, 1), min_size=4, max_size=4, unique=True), level=number(-1, 1))
def test_shares_of_a_tetrahedron(corners: list[float], level: float):
    """They sum to the derivative of the volume below the level, by the formula of Lehmann and Taut."""
    e = np.sort(corners)
    if np.diff(e).min() < 1e-2 or np.abs(e - level).min() < 1e-2:
        return
    shares = corner_shares(np.array([corners]), level)[0]
    below = np.maximum(level - e, 0)
    density = sum(
        3 * below[i] ** 2 / np.prod([e[j] - e[i] for j in range(4) if j != i]) for i in range(4)
    )
    assert shares.sum() == pytest.approx(density, rel=1e-7, abs=1e-9)
    assert shares @ np.array(corners) == pytest.approx(density * level, rel=1e-6, abs=1e-8)


@given(m=number(0.3, 3), alpha=number(0.05, 0.5), mu=st.sampled_from([-0.3, 0.4, 1.0]))
def test_bulk_tensors_of_the_isotropic_metal(m: float, alpha: float, mu: float):
    """chi is a multiple of 1, K_ijkl = K (d_ik d_jl + d_il d_jk)/2, the operator has K_zzxx = -K_zzzz/7."""
    energy = mu * m * alpha**2 / 2 if mu < 0 else mu
    state = FermiSurface(polar=16, azimuth=16).solve(
        Crystal(hamiltonian="isotropic", mass=m, spin_orbit=alpha, chemical_potential=energy)
    )
    v = np.sqrt(alpha**2 + 2 * energy / m)
    one = np.eye(3)
    assert state.edelstein == pytest.approx(
        -(m**2) * alpha * v / (3 * np.pi**2) * one, rel=1e-12, abs=1e-14
    )
    K = -m * alpha * v / (3 * np.pi**2)
    pairs = np.einsum("ik,jl->ijkl", one, one) + np.einsum("il,jk->ijkl", one, one)
    assert state.slope == pytest.approx(K / 2 * pairs, rel=1e-11, abs=1e-13)
    zz = state.operator[2, 2]
    assert zz[2, 2] == pytest.approx(7 / 5 * K, rel=1e-11)
    assert zz[0, 0] == pytest.approx(-zz[2, 2] / 7, rel=1e-11)


def test_a_crystal_with_an_axis_breaks_isotropy():
    state = FermiSurface().solve(Crystal(hamiltonian="tellurium", chemical_potential=-0.05))
    assert abs(state.edelstein[2, 2]) > 10 * abs(state.edelstein[0, 0])


@given(k=st.lists(number(-0.6, 0.6), min_size=3, max_size=3))
def test_slopes_of_band_quantities_are_derivatives(k: list[float]):
    """Sums over bands agree with differences of the expectation values themselves."""
    bloch = tellurium(-0.3, -0.4, 0.06, 0.2, -0.1)
    here, step = np.array([k]), 1e-4

    def current(at: Any) -> Any:
        flow = band_flow(bloch, at)
        return np.einsum("pni,pnj->pijn", flow.spin, flow.velocity)[0]

    flow = band_flow(bloch, here, frozenset({"slope"}))
    along = flow.products["slope"].reshape(2, 3, 3, 3, 3)
    v = flow.velocity[0]
    found = np.einsum("nijkl,nl->ijkn", along, v) / (v**2).sum(axis=1)
    for way in range(3):
        d = step * np.eye(3)[way]
        slope = (current(here + d) - current(here - d)) / (2 * step)
        assert found[:, :, way] == pytest.approx(slope, abs=2e-6)


def test_a_function_that_is_not_analytic_is_refused():
    def broken(k: Any) -> Any:
        return np.abs(k).sum(axis=-1)[..., None, None] * np.eye(2)

    bloch = AnalyticBloch(broken, spin_matrices(2, "interleaved"), 1.0)
    with pytest.raises(ValueError, match="analytic"):
        bloch.pieces(np.array([[0.1, 0.2, 0.3]]), slopes=False)


def test_a_splitting_below_rounding_is_zero_and_says_so():
    """At a spin-orbit coupling of 1e-9 the bands touch: chi is zero within error, and slopes do not exist."""
    model = Crystal(hamiltonian="isotropic", spin_orbit=1e-9)
    state = FermiSurface(polar=16, azimuth=16).solve(model)
    assert (np.abs(state.edelstein) <= state.errors["edelstein"]).all()
    assert np.isnan(state.slope).all()
    assert state.left_out == pytest.approx(1)
    small = FermiSurface(polar=16, azimuth=16).solve(model.replace(spin_orbit=1e-4))
    wanted = -1e-4 * np.sqrt(0.96) / (3 * np.pi**2)
    assert small.edelstein[2, 2] == pytest.approx(wanted, rel=1e-6)
    assert small.slope[2, 2, 2, 2] == pytest.approx(wanted, rel=1e-5)
