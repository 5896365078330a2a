"""One channel in the electric field of a helix: nearest-neighbour hops with spin-orbit coupling."""

from __future__ import annotations

import numpy as np

from chirospin.models.model import (
    LARGEST,
    MOST_SITES,
    Molecule,
    OneElectronModel,
    chain,
    hop_matrix,
    join,
    spinor,
)
from chirospin.models.sources import MEMORY, OWN, published

SPACING = 0.3  # nm, for the drawing


class HelicalField(OneElectronModel):
    r"""A chain along z in a field :math:`E_0(\cos Qz, \sin Qz, 0)`.

    .. math:: h = \sum_n c^+_n [V + e^{i\beta}\alpha(\sigma_y\cos q_n - \sigma_x\sin q_n)] c_{n+1} + h.c.,
              \qquad q_n = Qa(n + \tfrac12)

    beta = pi/2 is even under time reversal; beta = 0 loses the i and is a control. Abstract read; the
    equations are written from memory: verify.

    References
    ----------
    gutierrez_2012
    """

    length: int = published(
        20, symbol="N", low=2, high=MOST_SITES, about="number of sites", mark=MEMORY
    )
    hopping: float = published(0.05, unit="eV", symbol="V", about="to the next site", mark=MEMORY)
    spin_orbit: float = published(
        0.01, unit="eV", symbol=r"\alpha", about="spin-orbit hop to the next site", mark=MEMORY
    )
    spin_orbit_phase: float = published(
        np.pi / 2,
        unit="rad",
        symbol=r"\beta",
        about="of the spin-orbit hop: pi/2 is even under time reversal, 0 is not",
        mark=OWN,
    )
    twist: float = published(
        np.pi / 5,
        unit="rad",
        symbol="Qa",
        about="turn of the field from a site to the next",
        mark=MEMORY,
    )
    handedness: int = published(
        1, symbol=r"\chi", choices=(1, -1), about="sign of the turn", mark=OWN
    )
    lead_coupling: float = published(
        0.1, unit="eV", symbol=r"\Gamma", above=0, high=LARGEST, about="of an end site", mark=MEMORY
    )

    def molecule(self) -> Molecule:
        """Sites along z."""
        count = self.length
        angle = self.handedness * self.twist * (np.arange(count - 1) + 0.5)
        phase = np.exp(1j * self.spin_orbit_phase)
        if self.spin_orbit_phase == np.pi / 2:
            phase = 1j
        h = hop_matrix(count)
        for n, q in enumerate(angle):
            axis = np.array([-np.sin(q), np.cos(q), 0])
            join(h, n, n + 1, self.hopping * np.eye(2) + phase * self.spin_orbit * spinor(axis))
        return chain(h, SPACING * np.arange(count)[:, None] * [0.0, 0.0, 1.0])
