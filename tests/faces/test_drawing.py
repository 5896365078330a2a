"""A drawing shows the parameters: widths of hops, places of levels, arrows of vectors and magnetisation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chirospin.base.errors import ModelError
from chirospin.base.spin import PAULI
from chirospin.faces.cli import main
from chirospin.junction import BiasedJunction, Junction
from chirospin.junction.drawing import hop_sizes, level_energies
from chirospin.rashba import RashbaGas
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
    assert main(["draw", "vibration", "--out", str(tmp_path / "r.svg")]) == 2


def test_a_model_without_a_drawing_says_so() -> None:
    assert BiasedJunction(molecules=1).draw().axes
    with pytest.raises(ModelError, match=r"Vibration has no drawing.*junction"):
        Vibration().draw()


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
