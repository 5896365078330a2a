"""A structure from a SMILES string: distance geometry, then a force field. A start, not a measured geometry."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError, one_line
from chirospin.base.extras import installing

Array = NDArray[np.float64]
PREFIX = "smiles="
SEED = 1
"""Of the distance geometry: the same string gives the same conformer, and the same hand where it leaves that open."""
MOST_STEPS = 5000
LONGEST = 400
"""Characters of a string."""


def is_smiles(name: str) -> bool:
    """Whether a structure is given as SMILES, ``smiles=C=S``."""
    return name.strip().lower().startswith(PREFIX)


def builder_words(name: str) -> str:
    """Where a geometry comes from, if no file holds it; empty for a file."""
    if not is_smiles(name):
        return ""
    _, field = built(name)
    return (
        f"geometry built from SMILES by RDKit (ETKDG, {field}): bonds to a few hundredths of an angstrom, one "
        "conformer of perhaps many; hopping depends on it exponentially"
    )


def built(name: str) -> tuple[Any, str]:
    """Atoms of a SMILES string, hydrogen added, thinnest along z and longest along x; and the force field.

    Raises
    ------
    ModelError : RDKit is missing; no SMILES; several molecules; no force field for it; no geometry found
    """
    if find_spec("rdkit") is None:
        raise ModelError(f"A structure from SMILES needs the package rdkit: {installing('smiles')}")
    from rdkit import rdBase

    text = name.strip()[len(PREFIX) :].strip()
    with rdBase.BlockLogs():
        graph = _graph(text)
        field = _embedded(graph, text)
    return _principal(graph), field


def _graph(text: str) -> Any:
    from rdkit import Chem

    if ":" in text:  # which names code everywhere else, so that a stored result would be refused
        raise ModelError(
            f"Parameter `structure` must be SMILES without a colon (aromatic atoms in small letters), but is {text[:60]!r}"
        )
    graph = Chem.MolFromSmiles(text) if 0 < len(text) <= LONGEST else None
    if graph is None or not graph.GetNumAtoms():
        raise ModelError(
            f"Parameter `structure` must be SMILES after smiles= (as smiles=C=S), but is {one_line(text)[:60]!r}"
        )
    if len(Chem.GetMolFrags(graph)) > 1:
        raise ModelError(
            f"Parameter `structure` must be one molecule as SMILES (molecule.stack carries it), but is {text!r}"
        )
    return Chem.AddHs(graph)


def _embedded(graph: Any, text: str) -> str:
    """Give a graph coordinates; returns the force field that relaxed them."""
    from rdkit.Chem import AllChem

    asked: Any = AllChem
    if asked.MMFFHasAllMoleculeParams(graph):
        field, relaxed = "MMFF94", asked.MMFFOptimizeMolecule
    elif asked.UFFHasAllMoleculeParams(graph):
        field, relaxed = "UFF", asked.UFFOptimizeMolecule
    else:
        raise ModelError(
            f"Parameter `structure` must be a file for {text!r}: RDKit's force fields (MMFF94, UFF) have no "
            "parameters for all of its atoms"
        )
    how = asked.ETKDGv3()
    how.randomSeed = SEED
    if asked.EmbedMolecule(graph, how) < 0 or relaxed(graph, maxIters=MOST_STEPS) != 0:
        raise ModelError(
            f"Parameter `structure` must be a file for {text!r}: RDKit finds no relaxed geometry"
        )
    return field


def _principal(graph: Any) -> Any:
    """ASE's atoms on their principal axes."""
    from ase import Atoms

    places = np.asarray(graph.GetConformer().GetPositions())
    places = places - places.mean(axis=0)
    axes = np.linalg.svd(places, full_matrices=True)[2] if len(places) > 1 else np.eye(3)
    axes = axes * np.where(axes[range(3), np.abs(axes).argmax(axis=1)] < 0, -1.0, 1.0)[:, None]
    axes[1] *= np.sign(np.linalg.det(axes))
    symbols = [atom.GetSymbol() for atom in graph.GetAtoms()]
    return Atoms(symbols, positions=places @ axes.T)
