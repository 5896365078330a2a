"""Crystals against plain implementations and other codes."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chirospin.base.spin import PAULI
from chirospin.crystal import Crystal, KGrid
from chirospin.crystal.bloch import TightBinding
from chirospin.crystal.sums import Grid, grid_sums
from chirospin.wannier.files import read_crystal
from tests.laws.crystals import random_crystal, system_folder


def naive(matrices: Any, points: int, shift: float, mu: float, T: float) -> dict[str, Any]:
    """Point by point, with the phases of centres on H and S, slopes by differences of H; no band touches another."""
    lattice, centres = matrices.lattice, matrices.centres
    cell = 2 * np.pi * np.linalg.inv(lattice).T
    step = (
        (matrices.vectors @ lattice)[:, None, None] + centres[None, None] - centres[None, :, None]
    )
    H = {"charge": np.zeros((3, 3)), "edelstein": np.zeros((3, 3)), "orbital": np.zeros((3, 3))}
    H["slope"], H["operator"] = np.zeros((2, 3, 3, 3, 3))
    d = 1e-4
    home = int(np.flatnonzero((matrices.vectors == 0).all(axis=1))[0])
    between = matrices.position.copy()
    between[:, home, range(len(centres)), range(len(centres))] -= centres.T

    def at(k: Any) -> tuple[Any, Any, Any, Any]:
        phase = np.exp(1j * step @ k)
        E, U = np.linalg.eigh((matrices.hamiltonian * phase).sum(axis=0))
        S = [U.conj().T @ (X * phase).sum(axis=0) @ U for X in matrices.spin]
        V = [
            U.conj().T @ (1j * step[..., i] * matrices.hamiltonian * phase).sum(axis=0) @ U
            for i in range(3)
        ]
        A = np.array([U.conj().T @ (X * phase).sum(axis=0) @ U for X in between])
        v = np.array(V) + 1j * (E[:, None] - E) * A
        return E, np.array(V), np.array(S), np.einsum("inm,jmn->ijn", np.array(S), v).real

    for index in itertools.product(range(points), repeat=3):
        k = (np.array(index) + shift) / points @ cell
        E, V, S, _ = at(k)
        v, s = (np.einsum("inn->in", X).real for X in (V, S))
        w = 1 / (4 * T * np.cosh((E - mu) / 2 / T) ** 2) / points**3 / abs(np.linalg.det(lattice))
        H["charge"] += np.einsum("n,in,jn->ij", w, v, v)
        H["edelstein"] += np.einsum("n,in,jn->ij", w, s, v)
        for n, a, b in itertools.product(range(len(E)), range(3), range(3)):
            L = sum((V[a, n, m] * V[b, m, n]).imag / (E[m] - E[n]) for m in range(len(E)) if m != n)
            c = 3 - a - b
            if a != b:
                H["orbital"][:, c] += w[n] * v[:, n] * L * (1 if (b - a) % 3 == 1 else -1)
        for c in range(3):
            ends = []
            for sign in (1, -1):
                _, V2, S2, J = at(k + sign * d * np.eye(3)[c])
                ends.append(np.stack([np.einsum("inn,jnn->ijn", S2.real, V2.real), J]))
            slope, operator = (ends[0] - ends[1]) / (2 * d)
            H["slope"][:, :, c] += np.einsum("n,ijn,ln->ijl", w, slope, v)
            H["operator"][:, :, c] += np.einsum("n,ijn,ln->ijl", w, operator, v)
    return H


@pytest.mark.parametrize("seed", [0, 1])
def test_random_crystals_point_by_point(seed: int):
    """A spin that is no Pauli matrix and a position, at R != 0 too, and scattered centres."""
    parts = frozenset({"slope", "orbital", "operator"})
    found = random_crystal(seed)
    wanted = naive(found, 3, 0.1, 0.1, 0.2)
    grid = Grid(points=(3, 3, 3), shift=(0.1,) * 3)
    sums = grid_sums(TightBinding(found), grid, [(0.1, 0.2)], parts, 0)
    for name, tolerance in (
        ("charge", 1e-12),
        ("edelstein", 1e-12),
        ("orbital", 1e-11),
        ("slope", 1e-6),
        ("operator", 1e-6),
    ):
        ours = sums.tensors[name][0].reshape(wanted[name].shape)
        assert np.abs(ours - wanted[name]).max() < tolerance * sums.sizes[name][0], name


def test_wannierberri_at_the_same_points(tmp_path: Path):
    """Its own bands, velocities and spins at the same k, and its own sum over a fine scan of energies."""
    wannierberri = pytest.importorskip("wannierberri")
    assert wannierberri
    from tests.oracles.wannierberri_crystal import exact_sums

    folder = system_folder(random_crystal(4), tmp_path / "system")
    model = Crystal(hamiltonian=str(folder), chemical_potential=0.1, thermal_energy=0.2)
    state = KGrid(points=4, shifts=0).solve(model, ["orbital"])
    chi, D, orbital = exact_sums(folder, 4, 0.1, 0.2)
    assert np.abs(state.edelstein - chi).max() < 1e-12 * state.sizes["edelstein"]
    assert np.abs(state.charge - D).max() < 1e-12 * state.sizes["charge"]
    assert np.abs(state.orbital - orbital).max() < 1e-12 * state.sizes["orbital"]
    assert (
        np.abs(state.edelstein.T - chi).max() > 1e-3 * np.abs(chi).max()
    )  # control: the order of indices counts


def test_zero_temperature_is_the_limit_of_warm_sums():
    """Tetrahedra against thermal sums at 2 T and T without their T^2; the error falls as the square of the step."""
    model = Crystal(hamiltonian="cubic", spin_orbit=0.4, chemical_potential=0.9)
    warm, cool = (KGrid(points=48).solve(model.replace(thermal_energy=T)) for T in (0.08, 0.04))
    off = []
    for points in (12, 24):
        cold = KGrid(points=points, tolerance=1.0).solve(model)
        off.append([
            getattr(cold, n)[0, 0] / ((4 * getattr(cool, n) - getattr(warm, n)) / 3)[0, 0] - 1
            for n in ("edelstein", "charge")
        ])  # fmt: skip
    assert np.abs(off[1]).max() < 0.012
    assert off[0][1] / off[1][1] == pytest.approx(4, abs=1)


def naive_cubic(m: float, alpha: float, mu: float, T: float, points: int) -> tuple[float, float]:
    """chi_zz and K_zzzz of the cubic model: two bands by hand, slopes by differences."""
    line = 2 * np.pi * (np.arange(points) + 0.3) / points
    k = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    step = 1e-4

    def bands(k: Any, sign: int) -> tuple[Any, Any]:
        d = alpha * np.sin(k)
        size = np.linalg.norm(d, axis=1)
        energy = (1 - np.cos(k)).sum(axis=1) / m + sign * size
        return energy, sign / 2 * d[:, 2] / size

    def velocity(k: Any, sign: int) -> Any:
        z = step * np.array([0, 0, 1])
        return (bands(k + z, sign)[0] - bands(k - z, sign)[0]) / (2 * step)

    chi = K = 0.0
    for sign in (1, -1):
        energy, spin = bands(k, sign)
        v = velocity(k, sign)
        weight = 1 / (4 * T * np.cosh((energy - mu) / (2 * T)) ** 2) / points**3
        z = step * np.array([0, 0, 1])
        ahead, behind = (bands(x, sign)[1] * velocity(x, sign) for x in (k + z, k - z))
        chi += float((weight * spin * v).sum())
        K += float((weight * (ahead - behind) / (2 * step) * v).sum())
    return chi, K


def test_cubic_crystal_against_two_bands_by_hand():
    model = Crystal(hamiltonian="cubic", chemical_potential=0.8, thermal_energy=0.2, spin_orbit=0.3)
    state = KGrid(points=24, shifts="0.1;0.6").solve(model, ["slope"])
    chi, K = naive_cubic(1.0, 0.3, 0.8, 0.2, 36)
    assert state.edelstein[2, 2] == pytest.approx(chi, rel=1e-4)
    assert state.slope[2, 2, 2, 2] == pytest.approx(K, rel=2e-4)
    assert np.abs(state.edelstein - chi * np.eye(3)).max() < 1e-4 * abs(chi)


def hoppings(m: float, alpha: float) -> dict[tuple[int, int, int], Any]:
    """The cubic model in real space: H(R) with H(k) = sum e^{ikR} H(R)."""
    out = {(0, 0, 0): 3 / m * np.eye(2, dtype=complex)}
    for i in range(3):
        R = np.eye(3, dtype=int)[i]
        jump = -np.eye(2) / (2 * m) + alpha * PAULI[i] / 2j
        out[tuple(R.tolist())] = jump
        out[tuple((-R).tolist())] = jump.conj().T
    return out


def write_files(folder: Path, m: float, alpha: float, centre: float) -> tuple[Path, Path]:
    """prefix_hr.dat with prefix.win, and prefix_tb.dat, in the layout of Wannier90."""
    table = hoppings(m, alpha)
    weights = "    1" * len(table)
    hr = ["written by hand", "2", str(len(table)), weights]
    for R, H in table.items():
        for n in range(2):
            for a in range(2):
                hr.append(
                    "{:5d}{:5d}{:5d}{:5d}{:5d}{:14.9f}{:14.9f}".format(
                        *R, a + 1, n + 1, H[a, n].real, H[a, n].imag
                    )
                )
    tb = ["written by hand", "10 0 0", "0 10 0", "0 0 10", "2", str(len(table)), weights]
    for R, H in table.items():
        tb += ["", "{} {} {}".format(*R)]
        tb += [
            f"{a + 1} {n + 1} {H[a, n].real:.12e} {H[a, n].imag:.12e}"
            for n in range(2)
            for a in range(2)
        ]
    for R in table:
        tb += ["", "{} {} {}".format(*R)]
        for n in range(2):
            for a in range(2):
                x = centre if a == n and not any(R) else 0.0
                tb.append(f"{a + 1} {n + 1} {x} 0 {x} 0 0 0")
    files = folder / "toy_hr.dat", folder / "toy_tb.dat"
    files[0].write_text("\n".join(hr) + "\n")
    files[1].write_text("\n".join(tb) + "\n")
    (folder / "toy.win").write_text(
        "spinors = true\nnum_wann = 2\nbegin unit_cell_cart\nang\n10 0 0\n0 10 0\n0 0 10\nend unit_cell_cart\n"
    )
    return files


@pytest.mark.parametrize("kind", [0, 1])
def test_tight_binding_files(tmp_path: Path, kind: int):
    """A cell of 10 angstrom is 1 nm: both files give the tensors of the built-in cubic model."""
    path = write_files(tmp_path, 1.0, 0.3, 2.5)[kind]
    physics = {
        "chemical_potential": 0.8,
        "thermal_energy": 0.1,
        "spin_orbit": 0.3,
        "spin": "pauli-interleaved",
    }
    method = KGrid(points=16, shifts="0.1;0.6")
    parts = ["slope", "operator"]
    read = method.solve(Crystal(hamiltonian=str(path), **physics), parts)
    built = method.solve(Crystal(hamiltonian="cubic", **physics), parts)
    assert np.isnan(read.operator).all() == (kind == 0)  # only _tb.dat has the position operator
    for name in ("edelstein", "slope", "charge", *(("operator",) if kind else ())):
        one, other = getattr(read, name), getattr(built, name)
        assert one == pytest.approx(other, abs=2e-8 * np.abs(other).max()), name


def test_centres_shift_phases_only(tmp_path: Path):
    path = write_files(tmp_path, 1.0, 0.3, 2.5)[1]
    bloch = TightBinding(read_crystal(str(path), "auto", 1e-6, "auto"))
    assert bloch.centres[:, :2] == pytest.approx(0.25)
    assert np.linalg.eigvalsh(bloch.hamiltonian(np.array([[0.3, 0.2, 0.1]])))[0] == pytest.approx(
        np.sort(
            (1 - np.cos([0.3, 0.2, 0.1])).sum()
            + np.array([-1, 1]) * 0.3 * np.linalg.norm(np.sin([0.3, 0.2, 0.1]))
        ),
        abs=1e-8,
    )
