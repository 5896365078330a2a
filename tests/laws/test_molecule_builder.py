"""A geometry from SMILES: the molecule of the string, sane, and said to be no measured one."""

from __future__ import annotations

import numpy as np
import pytest

from chirospin.base.errors import ModelError
from chirospin.base.functions import names_code
from chirospin.molecule import Molecule, builder
from chirospin.molecule.structure import bonded_atoms, read_structure


def test_bonds_are_those_of_the_string() -> None:
    """Ethylene's six atoms, five bonds, flat across z, double bond along x; lengths against experiment."""
    one = read_structure("smiles=C=C")
    assert sorted(one.symbols) == ["C", "C", "H", "H", "H", "H"]
    assert np.ptp(one.positions, axis=0)[2] < 1e-3
    lengths = np.linalg.norm(one.positions[:, None] - one.positions, axis=-1)
    bonds = np.triu(bonded_atoms(one))
    assert bonds.sum() == 5
    double, single = lengths[0, 1], lengths[bonds & (lengths < 1.2)]
    assert double == pytest.approx(1.339, abs=0.02)  # measured; force fields are good to 0.02
    assert single == pytest.approx(1.086, abs=0.02)
    again = read_structure("smiles=C=C")
    assert np.array_equal(one.positions, again.positions)
    assert "RDKit (ETKDG, MMFF94)" in builder.builder_words("smiles=C=C")
    assert builder.builder_words("h2cs") == ""
    assert not names_code(Molecule.parameter_info("structure"), "smiles=C=C")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be SMILES after smiles="),
        ("C1", "must be SMILES"),
        ("C.C", "one molecule"),
        ("c1cc:ccc1", "without a colon"),
        ("C1=C[Se]C=C1", "have no parameters for all of its atoms"),
        ("[I]I", "no element beyond Kr"),
    ],
)
def test_what_cannot_be_built_is_one_line(text: str, words: str) -> None:
    with pytest.raises(ModelError, match="Parameter `structure`") as caught:
        read_structure(f"smiles={text}")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_builder_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install .*(rdkit|chirospin\[smiles\])"):
        builder.built("smiles=C")
