"""An effective chain for a helix: one orbital a site, spin-orbit hops to the next."""

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
from chirospin.models.sources import OWN, PUBLIC_CODE, published

SPACING = 0.14  # nm, for the drawing


class EffectiveHelix(OneElectronModel):
    r"""A chain whose spin-orbit axis turns from bond to bond.

    .. math:: h = \sum_n c^+_n [t - i t_{so}(\sigma_x\cos q_n + \sigma_y\sin q_n)] c_{n+1} + h.c.,
              \qquad q_n = n\,\Delta\varphi

    The form and both hoppings are read in public code; length and twist are chosen here.

    References
    ----------
    geyer_2020
    """

    length: int = published(
        23, symbol="N", low=2, high=MOST_SITES, about="number of sites", mark=OWN
    )
    hopping: float = published(
        -2.57, unit="eV", symbol="t", about="to the next site", mark=PUBLIC_CODE
    )
    spin_orbit: float = published(
        -1.4e-3,
        unit="eV",
        symbol="t_{so}",
        about="spin-orbit hop to the next site",
        mark=PUBLIC_CODE,
    )
    twist: float = published(
        np.pi / 3, unit="rad", symbol=r"\Delta\varphi", about="from a bond to the next", mark=OWN
    )
    handedness: int = published(
        1, symbol=r"\chi", choices=(1, -1), about="sign of the twist", mark=OWN
    )
    lead_coupling: float = published(
        1.0, unit="eV", symbol=r"\Gamma", above=0, high=LARGEST, about="of an end site", mark=OWN
    )

    def molecule(self) -> Molecule:
        """Sites along the axis."""
        count = self.length
        h = hop_matrix(count)
        for n in range(count - 1):
            q = self.handedness * self.twist * n
            axis = np.array([np.cos(q), np.sin(q), 0])
            join(h, n, n + 1, self.hopping * np.eye(2) - 1j * self.spin_orbit * spinor(axis))
        return chain(h, SPACING * np.arange(count)[:, None] * [0.0, 0.0, 1.0])
