"""The chiral metal against plain implementations of the same physics."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chirospin.base.spin import PAULI
from chirospin.chiral_metal import Boltzmann, ChiralMetal, ClosedForm, Crystal, KGrid
from chirospin.chiral_metal.wannier import read_tight_binding
from tests.oracles import finite_temperature

PLACES = np.array([-2.0, -0.5, 0.3, 1.0, 3.0, 6.0])
LENGTH, SCREENING, A = 12.0, 0.2, 0.2


@cache
def warm(temperature: float, cells: int = 32, ordinates: int = 24) -> dict[str, Any]:
    found = finite_temperature.solve(
        a=A, screening=SCREENING, length=LENGTH, temperature=temperature, cells=cells,
        ordinates=ordinates,
    )  # fmt: skip
    names = ("S1", "S2", "E1", "E2", "js2", "Pi2")
    return {n: np.array([finite_temperature.value(found, n, x) for x in PLACES]) for n in names}


def ours(method: Any) -> dict[str, Any]:
    model = ChiralMetal(
        spin_orbit=A, chemical_potential=(1 - A * A) / 2, length=LENGTH, screening_length=SCREENING,
        position=PLACES,
    )  # fmt: skip
    state = method.solve(model, ["profiles"]).profiles
    spin, flux = A / np.pi**2, (1 + A**2) / (3 * np.pi**2)
    return {
        "S1": state.spin[0] / (-spin / 2),
        "S2": state.spin[1] / (spin / 4),
        "E1": state.field[0],
        "E2": state.field[1],
        "js2": state.spin_current[1] / (spin / 4),
        "Pi2": state.momentum_flux[1] / flux,
    }


def test_another_discretisation_without_temperature():
    """Written separately, from the equations alone; exact in alpha."""
    reference, found = warm(0.0), ours(Boltzmann())
    for name, expected in reference.items():
        size = np.abs(expected).max()
        assert found[name] == pytest.approx(expected, abs=1e-6 * size), name


def test_closed_forms_against_another_discretisation():
    reference, found = warm(0.0), ours(ClosedForm())
    for name in ("S1", "S2", "E1"):
        assert found[name] == pytest.approx(reference[name], abs=2e-5), name
    field = found["E2"] - reference["E2"]  # leading order in alpha: off by a share of about a^2
    assert 1e-3 < np.abs(field).max() / np.abs(reference["E2"]).max() < A**2


def test_reduction_to_the_fermi_surface():
    """At finite temperature nothing is reduced to the Fermi surface; the difference falls as T^2."""
    found, hot, cool = ours(Boltzmann()), warm(0.01), warm(0.005)
    for name in ("S1", "S2", "E2", "js2", "Pi2"):
        change = [np.abs(w[name] - found[name]).max() for w in (hot, cool)]
        size = np.abs(found[name]).max()
        assert 3.9 < change[0] / change[1] < 4.1, name
        limit = (4 * cool[name] - hot[name]) / 3
        assert limit == pytest.approx(found[name], abs=1e-5 * size), name


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
    state = KGrid(points=32).solve(model)
    chi, K = naive_cubic(1.0, 0.3, 0.8, 0.2, 36)
    assert state.edelstein[2, 2] == pytest.approx(chi, rel=1e-4)
    assert state.spin_current[2, 2, 2, 2] == pytest.approx(K, rel=1e-4)
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
        "num_wann = 2\nbegin unit_cell_cart\nang\n10 0 0\n0 10 0\n0 0 10\nend unit_cell_cart\n"
    )
    return files


@pytest.mark.parametrize("kind", [0, 1])
def test_tight_binding_files(tmp_path: Path, kind: int):
    """A cell of 10 angstrom is 1 nm: both files give the tensors of the built-in cubic model."""
    path = write_files(tmp_path, 1.0, 0.3, 2.5)[kind]
    physics = {"chemical_potential": 0.8, "thermal_energy": 0.1, "spin_orbit": 0.3}
    method = KGrid(points=16, tolerance=1.0)
    read = method.solve(Crystal(hamiltonian=str(path), **physics))
    built = method.solve(Crystal(hamiltonian="cubic", **physics))
    for name in ("edelstein", "spin_current", "operator_current", "charge"):
        one, other = getattr(read, name), getattr(built, name)
        assert one == pytest.approx(other, abs=2e-8 * np.abs(other).max()), name


def test_centres_shift_phases_only(tmp_path: Path):
    path = write_files(tmp_path, 1.0, 0.3, 2.5)[1]
    bloch = read_tight_binding(path, "interleaved")
    assert bloch.centres[:, :2] == pytest.approx(0.25)
    assert np.linalg.eigvalsh(bloch.hamiltonian(np.array([[0.3, 0.2, 0.1]])))[0] == pytest.approx(
        np.sort(
            (1 - np.cos([0.3, 0.2, 0.1])).sum()
            + np.array([-1, 1]) * 0.3 * np.linalg.norm(np.sin([0.3, 0.2, 0.1]))
        ),
        abs=1e-8,
    )
