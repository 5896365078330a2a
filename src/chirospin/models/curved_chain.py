"""A helix of sites whose second neighbours are joined by a curvature-driven spin-orbit hop."""

from __future__ import annotations

import numpy as np

from chirospin.models.model import (
    LARGEST,
    Molecule,
    OneElectronModel,
    contact,
    flat,
    hop_matrix,
    join,
    spinor,
)
from chirospin.models.sources import OWN, PUBLIC_CODE, published


class CurvedChain(OneElectronModel):
    r"""M turns of N sites.

    .. math::
        h = -t\sum_m (c^+_m c_{m+1} + h.c.) + \lambda\sum_m
            (i\, c^+_m\, \mathbf v_m\cdot\boldsymbol\sigma\, c_{m+2} + h.c.), \\
        \mathbf v_m = \hat{\mathbf d}_{m,m+1}\times\hat{\mathbf d}_{m,m+2}, \qquad
        \mathbf r_m = (a\cos\varphi_m, a\sin\varphi_m, cm/(MN-1)), \quad \varphi_m = 2\pi m/N

    The static chain is read in public code, without its repulsion. The vibrations of the paper, to which
    its abstract gives the effect, are not in a one-electron model.

    References
    ----------
    fransson_2020
    """

    sites_per_turn: int = published(
        8, symbol="N", low=4, high=40, about="sites of a turn", mark=PUBLIC_CODE
    )
    turns: int = published(1, symbol="M", low=1, high=10, about="turns", mark=PUBLIC_CODE)
    radius: float = published(
        1.0, unit="nm", symbol="a", above=0, high=1e3, about="only a/c matters", mark=PUBLIC_CODE
    )
    length: float = published(
        1.0, unit="nm", symbol="c", low=0, high=1e3, about="along the axis", mark=PUBLIC_CODE
    )
    hopping: float = published(
        2.4, unit="eV", symbol="t", about="to the next site, with a minus sign", mark=PUBLIC_CODE
    )
    spin_orbit: float = published(
        0.24, unit="eV", symbol=r"\lambda", about="to the second neighbour", mark=PUBLIC_CODE
    )
    handedness: int = published(
        1, symbol=r"\chi", choices=(1, -1), about="sign of the angles", mark=OWN
    )
    contact_sites: int = published(
        2,
        symbol="n_c",
        choices=(1, 2),
        about="sites that touch a lead, each a channel",
        mark=PUBLIC_CODE,
    )
    lead_coupling: float = published(
        0.5, unit="eV", symbol=r"\Gamma", above=0, high=LARGEST, about="of a site", mark=PUBLIC_CODE
    )

    def molecule(self) -> Molecule:
        """Sites along the helix."""
        count = self.sites_per_turn * self.turns
        m = np.arange(count)
        angle = self.handedness * 2 * np.pi * m / self.sites_per_turn
        rise = self.length * m / (count - 1)
        places = np.stack([self.radius * np.cos(angle), self.radius * np.sin(angle), rise], axis=-1)
        h = hop_matrix(count)
        for n in range(count - 1):
            join(h, n, n + 1, -self.hopping * np.eye(2, dtype=complex))
        for n in range(count - 2):
            near, far = (places[n + k] - places[n] for k in (1, 2))
            v = np.cross(near / np.linalg.norm(near), far / np.linalg.norm(far))
            join(h, n, n + 2, 1j * self.spin_orbit * spinor(v))
        return Molecule(
            hamiltonian=flat(h),
            positions=places,
            sites=tuple(range(count)),
            left=contact(list(range(self.contact_sites)), count),
            right=contact(list(range(count - self.contact_sites, count)), count),
        )
