"""The molecular stack of `junction` without its repulsion: two orbitals a molecule."""

from __future__ import annotations

import numpy as np
from pydantic import model_validator

from chirospin.base.errors import ModelError
from chirospin.base.parameters import Shape, parameter
from chirospin.models.model import (
    LARGEST,
    MOST_SITES,
    Molecule,
    OneElectronModel,
    contact,
    flat,
    hop_matrix,
    join,
    raise_level,
    spinor,
)

SPACING = 0.34  # nm, for the drawing


class Stack(OneElectronModel):
    r"""M molecules with orbitals a and b, spin-orbit coupling between them, as in ``junction``.

    .. math:: h = \sum_{ils}\epsilon_l n_{ils} + \sum_{ils}(t_{ll} c^+_{ils}c_{i+1,ls} + h.c.)
              + \sum_i (i\, c^+_{ib}\,\boldsymbol\Lambda_i\cdot\boldsymbol\sigma\, c_{ia} + h.c.),
              \qquad \Gamma_L = \gamma_l (1 + mps)/2, \quad \Gamma_R = \gamma_l

    Energies in one unit of the user's choice.

    References
    ----------
    nozaki_fujita_2026, Eqs. (1)-(4)
    """

    molecules: int = parameter(
        2, symbol="M", low=1, high=MOST_SITES // 2, about="number of molecules in the stack"
    )
    energy_a: float = parameter(0.0, unit="eV", symbol=r"\epsilon_a", about="energy of orbital a")
    energy_b: float = parameter(0.8, unit="eV", symbol=r"\epsilon_b", about="energy of orbital b")
    hopping_a: float = parameter(
        1.0, unit="eV", symbol="t_{aa}", about="hopping between orbitals a of neighbours"
    )
    hopping_b: float = parameter(
        0.2, unit="eV", symbol="t_{bb}", about="hopping between orbitals b of neighbours"
    )
    hopping_ab: float = parameter(
        0.0, unit="eV", symbol="t_{ab}", about="hopping between a of a molecule and b of the next"
    )
    spin_orbit: float = parameter(
        0.03, unit="eV", symbol=r"\lambda", about="inter-orbital spin-orbit coupling of a molecule"
    )
    twist: float = parameter(
        np.pi / 2, unit="rad", symbol=r"\varphi", about="rotation from one molecule to the next"
    )
    handedness: int = parameter(
        1,
        symbol=r"\chi",
        choices=(1, -1),
        about="enantiomer: sign of the twist, and of a vector's z",
    )
    spin_orbit_vectors: tuple[tuple[float, ...], ...] | None = parameter(
        None,
        unit="eV",
        symbol=r"\Lambda_i",
        shape=Shape(axes=("M", 3)),
        about="of each molecule; overrides spin_orbit and twist; mirrored for handedness -1",
    )
    lead_coupling: float = parameter(
        0.1,
        unit="eV",
        symbol=r"\gamma_a",
        above=0,
        high=LARGEST,
        about="lead coupling of orbital a",
    )
    coupling_ratio: float = parameter(
        1.0, symbol=r"\gamma_b/\gamma_a", low=0, high=LARGEST, about="of orbital b over orbital a"
    )
    lead_polarisation: float = parameter(
        1.0, symbol="p", low=-1, high=1, about="of the left lead along its magnetisation"
    )

    @model_validator(mode="after")
    def _shape_agrees(self) -> Stack:
        size = (self.molecules, 3)
        if self.spin_orbit_vectors is not None and np.shape(self.spin_orbit_vectors) != size:
            raise ModelError(
                f"Parameter `spin_orbit_vectors` must have shape {size} for molecules = "
                f"{self.molecules} (in eV), but has shape {np.shape(self.spin_orbit_vectors)}"
            )
        return self

    def molecule(self) -> Molecule:
        """Orbitals a, b of each molecule; a molecule is a site."""
        count = self.molecules
        angle = self.handedness * self.twist * np.arange(count)
        vectors = self.spin_orbit * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)
        if self.spin_orbit_vectors is not None:
            mirror = [1, 1, 1] if self.handedness > 0 else [-1, 1, -1]  # an axial vector
            vectors = np.array(self.spin_orbit_vectors) * mirror
        h = hop_matrix(2 * count)
        hops = ((0, 0, self.hopping_a), (1, 1, self.hopping_b), (0, 1, self.hopping_ab))
        for i in range(count):
            raise_level(h, 2 * i, self.energy_a)
            raise_level(h, 2 * i + 1, self.energy_b)
            join(h, 2 * i + 1, 2 * i, 1j * spinor(vectors[i]))
            for here, there, hop in hops if i + 1 < count else ():
                join(h, 2 * i + here, 2 * (i + 1) + there, hop * np.eye(2, dtype=complex))
        ratio = np.diag(np.tile([1.0, self.coupling_ratio], count))
        ends = [0, 1], [2 * count - 2, 2 * count - 1]
        return Molecule(
            hamiltonian=flat(h),
            positions=SPACING * np.arange(count)[:, None] * [0.0, 0.0, 1.0],
            sites=tuple(np.repeat(np.arange(count), 2).tolist()),
            left=contact(ends[0], 2 * count) @ ratio / 2,
            right=contact(ends[1], 2 * count) @ ratio,
        )
