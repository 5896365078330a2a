"""A drawing shows the parameters: widths of hops, places of levels, arrows of vectors and magnetisation."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chirospin import FAMILIES
from chirospin.base.errors import ModelError
from chirospin.base.families import installed, problem
from chirospin.base.spin import PAULI
from chirospin.chiral_metal import ChiralMetal
from chirospin.crystal import Crystal
from chirospin.faces.cli import main
from chirospin.junction import BiasedJunction, Junction
from chirospin.junction.drawing import hop_sizes, level_energies
from chirospin.models import CurvedChain
from chirospin.molecule import MoleculeStack
from chirospin.molecule.drawing import placed_molecules
from chirospin.rashba import RashbaGas
from chirospin.spinterface import Contact, Gas, Quench
from chirospin.vibration import Vibration


def arrows(model: Junction) -> np.ndarray:
    """Heads less tails of the vectors below the stack, (molecule, component)."""
    below = model.draw().axes[1]
    heads = [note for note in below.texts if hasattr(note, "arrow_patch")]
    return np.array([np.subtract(note.xy, note.xyann) for note in heads])


def test_vectors_turn_with_the_twist_and_the_mirror_image_turns_back() -> None:
    model = Junction(molecules=4, twist=0.5)
    turned = arrows(model)
    angle = np.unwrap(np.arctan2(turned[:, 1], turned[:, 0]))
    assert np.diff(angle) == pytest.approx(np.full(3, 0.5))
    assert arrows(model.replace(handedness=-1)) == pytest.approx(turned * [1, -1])
    given = Junction(spin_orbit_vectors=[[0.1, 0, 0], [0.02, 0, 0]])
    assert np.linalg.norm(arrows(given), axis=1) == pytest.approx([0.36, 0.072])


def test_lines_are_as_thick_as_hops_and_levels_stand_at_their_energies() -> None:
    model = Junction(molecules=3, hopping_a=1.0, hopping_b=0.5, energy_b=0.7)
    assert level_energies(model) == pytest.approx(np.array([[0, 0.7]] * 3))
    assert hop_sizes(model)[0, 2] == pytest.approx(1.0)
    assert hop_sizes(model)[0, 1] == 0
    above = model.draw().axes[0]
    hops = [one for one in above.lines if one.get_alpha() == 0.55]
    assert sorted(one.get_linewidth() for one in hops) == pytest.approx([1.5, 1.5, 3, 3])
    # the control: a hop that is not there is not drawn
    without = model.replace(hopping_b=0.0).draw().axes[0]
    assert len([one for one in without.lines if one.get_alpha() == 0.55]) == 2


def test_magnetisation_is_an_arrow_with_its_sign() -> None:
    for p in (1.0, -0.5):
        above = Junction(lead_polarisation=p).draw().axes[0]
        (arrow,) = [note for note in above.texts if hasattr(note, "arrow_patch")]
        assert arrow.xy[1] - arrow.xyann[1] == pytest.approx(0.6 * p)


def test_files_are_vectors_and_dark_ones_are_dark(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("junction", "junction.bias"):
        out = tmp_path / f"{name}.svg"
        assert main(["draw", name, "--set", "molecules=3", "--out", str(out), "--dark"]) == 0
        text = out.read_text(encoding="utf-8")
        assert "<image" not in text
        assert "#14171a" in text
        assert "molecule; twist" in text
    assert (
        main(["draw", "junction", "--set", "molecules=40", "--out", str(tmp_path / "a.pdf")]) == 2
    )
    assert "at most 24" in capsys.readouterr().err


class Undrawn(Vibration):
    """A model of no problem."""


def test_a_model_without_a_drawing_says_so() -> None:
    assert BiasedJunction(molecules=1).draw().axes
    with pytest.raises(ModelError, match=r"Undrawn has no drawing.*junction"):
        Undrawn().draw()


PROBLEMS = [one for family in installed() for one in family.problems]


def test_every_problem_of_the_toolkit_has_a_drawing() -> None:
    """Those of other packages need none: a form without one shows no picture."""
    missing = [one.path for one in PROBLEMS if one.drawing is None and one.family in FAMILIES]
    assert missing == []


DRAWN = ("vibration", "molecule.stack")


@pytest.mark.parametrize("path", DRAWN)
def test_a_drawing_of_each_kind_is_a_vector_on_the_dark_ground(path: str) -> None:
    stream = io.StringIO()
    problem(path).model().draw(dark=True).savefig(stream, format="svg")
    text = stream.getvalue()
    assert "<image" not in text
    assert "#14171a" in text


@pytest.mark.parametrize("handed", [0.2, -0.2])
def test_radial_spins_are_those_of_the_eigenstates(handed: float) -> None:
    """k^2/2m + alpha k.sigma diagonalised at the tail of each arrow, in the plane of x and z."""
    cases = (
        (ChiralMetal(spin_orbit=handed), 1.0, 0.48),
        (Contact(spin_orbit=handed, fermi_energy=0.5), 13.1234, 0.5),
    )
    for model, mass, energy in cases:
        (contours,) = [ax for ax in model.draw().axes if ax.get_ylabel().startswith("$k_z$")]
        arrows = contours.collections
        assert len(arrows) == 2
        for band, quiver in enumerate(arrows):
            for (x, z), u, w in zip(quiver.XY, quiver.U, quiver.V, strict=True):
                H = (x * x + z * z) / (2 * mass) * np.eye(2) + handed * (
                    x * PAULI[0] + z * PAULI[2]
                )
                energies, states = np.linalg.eigh(H)
                psi = states[:, band]
                spin = [(psi.conj() @ s @ psi).real for s in PAULI]
                assert energies[band] == pytest.approx(energy, rel=1e-3)  # linear between samples
                assert spin == pytest.approx([u, 0, w], abs=1e-9)


def level_heights(ax: Any) -> list[float]:
    """Energies of the thick short lines."""
    thick = [one for one in ax.lines if one.get_linewidth() == pytest.approx(2.2)]
    return sorted({round(float(one.get_ydata()[0]), 12) for one in thick})


def test_levels_stand_where_the_matrices_have_their_eigenvalues() -> None:
    contact = Contact(level=-0.2, level_splitting=[0.03, 0, 0.04]).draw().axes[0]
    assert level_heights(contact) == pytest.approx([-0.25, -0.15])
    vibration = Vibration(level=1.0, chemical_potential=0.5, level_splitting=[0, 3.0, 4.0])
    assert level_heights(vibration.draw().axes[0]) == pytest.approx([-4.5, 5.5])
    gas = Gas(band_energy=-0.1, spin_splitting=[0.06, 0, 0.08], repulsion=0.05).draw().axes[0]
    assert level_heights(gas) == pytest.approx([-0.2, -0.15, 0.0])  # double; lower; empty and upper
    quench = Quench(level=0.1, exchange=-0.2, kept=0.05).draw().axes[0]
    assert level_heights(quench) == pytest.approx([-0.1, 0.05, 0.15, 0.3])


def test_a_reservoir_is_filled_as_its_fermi_function_says() -> None:
    ax = Contact(lead_potential=0.3, thermal_energy=0.05).draw().axes[0]
    lead, metal = ax.collections
    for filled, potential in ((lead, 0.3), (metal, 0.0)):
        edge = filled.get_paths()[0].vertices
        left = edge[:, 0].min()
        at = edge[edge[:, 0] > left + 1e-12]
        share = (at[:, 0] - left) / 0.48
        x = (at[:, 1] - potential) / 0.05
        assert share == pytest.approx(1 / (1 + np.exp(x)), abs=1e-9)


def bond_vectors(model: CurvedChain) -> Any:
    """Arrows of the view from the side, (bond, component); none without a coupling."""
    _, side, _ = model.draw().axes
    quivers = [one for one in side.collections if hasattr(one, "U")]
    return np.stack([quivers[0].U, quivers[0].V], axis=1) if quivers else None


def test_bonds_are_the_hops_and_their_vectors_turn_with_the_handedness() -> None:
    model = CurvedChain()
    _, side, _ = model.draw().axes
    assert len(side.collections[0].get_segments()) == model.sites_per_turn - 1
    right, left = bond_vectors(model), bond_vectors(model.replace(handedness=-1))
    assert right.shape == (model.sites_per_turn - 2, 2)  # lambda joins second neighbours
    assert np.abs(right).max() > 0
    assert not np.allclose(right, left)
    assert bond_vectors(model.replace(spin_orbit=0.0)) is None  # the control


def test_molecules_are_drawn_where_the_method_places_them() -> None:
    """Twist and rise of the second molecule against the first, by the rotation itself."""
    model = MoleculeStack(twist=0.7, rise=0.4, pivot="centre")
    first, second = placed_molecules(model)
    c, s = np.cos(0.7), np.sin(0.7)
    turned = first.positions @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]).T + [0, 0, 4.0]
    assert second.positions == pytest.approx(turned, abs=1e-9)
    mirrored = placed_molecules(model.replace(handedness=-1))
    assert not np.allclose(mirrored[1].positions, second.positions)
    circles = model.draw().axes[0].patches
    assert len(circles) == 2 * len(first.symbols)


def test_bands_of_a_crystal_are_the_eigenvalues_and_touch_at_gamma() -> None:
    ax = Crystal(hamiltonian="isotropic").draw().axes[0]
    lines = [np.concatenate(one.get_segments()) for one in ax.collections]
    assert len(lines) == 4  # two bands on two lines
    gamma = ax.get_xticks()[1]
    ends = [float(points[-1, 1]) for points in lines[:2]]
    assert ends == pytest.approx([0, 0], abs=1e-9)
    k = gamma  # the first corner lies this far from Gamma
    assert sorted(float(p[0, 1]) for p in lines[:2]) == pytest.approx(
        [k**2 / 2 - 0.2 * k, k**2 / 2 + 0.2 * k]
    )


@pytest.mark.parametrize("coupling", [0.02, -0.05])
def test_spins_on_the_contours_are_those_of_the_eigenstates(coupling: float) -> None:
    """alpha (k_y sigma_x - k_x sigma_y) diagonalised at the tail of each arrow, and its Fermi momenta."""
    model = RashbaGas(spin_orbit=coupling)
    right = model.draw().axes[1]
    arrows = right.collections
    assert len(arrows) == 2
    for band, quiver in zip((0, 1), arrows, strict=True):
        for (x, y), u, v in zip(quiver.XY, quiver.U, quiver.V, strict=True):
            H = (x * x + y * y) / (2 * model.mass) * np.eye(2) + coupling * (
                y * PAULI[0] - x * PAULI[1]
            )
            energy, states = np.linalg.eigh(H)
            psi = states[:, band]
            spin = [(psi.conj() @ s @ psi).real for s in PAULI]
            assert energy[band] == pytest.approx(
                model.fermi_energy, rel=1e-4
            )  # linear between samples
            assert spin == pytest.approx([u, v, 0], abs=1e-9)


def test_below_the_crossing_both_contours_are_of_the_lower_band() -> None:
    model = RashbaGas(spin_orbit=0.5, fermi_energy=-0.05)
    first, second = model.draw(dark=True).axes[1].collections
    assert pytest.approx(second.U) == first.U
    assert np.hypot(*first.XY.T).max() < np.hypot(*second.XY.T).min()


def test_a_cubic_crystal_has_no_splitting_at_the_face_of_its_zone() -> None:
    """sin(k b) vanishes there: both bands have the energy 4/(2 m b^2), and at Gamma zero."""
    (ax, *_) = Crystal(mass=2.0, lattice_constant=0.5).draw().axes
    lines = [np.concatenate(one.get_segments()) for one in ax.collections]
    assert [p[0, 1] for p in lines[:2]] == pytest.approx([2 / (2.0 * 0.25)] * 2)
    assert [p[-1, 1] for p in lines[:2]] == pytest.approx([0.0, 0.0], abs=1e-12)
    assert abs(lines[0][40, 1] - lines[1][40, 1]) > 0.1  # between, they are apart
