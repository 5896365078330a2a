"""The single helix: sites on a helix, hops to all neighbours that fall off with their distance."""

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
from chirospin.models.sources import MEMORY, OWN, PUBLIC_CODE, published

ALL = 1000  # neighbours: more than there are sites


class SingleHelix(OneElectronModel):
    r"""N sites on a helix of radius R, hops to the first ``reach`` neighbours j.

    .. math::
        h = \sum_{nj} c^+_n \{ t_j + 2 i s_j \cos\varphi^-\, [(\sigma_x\sin\varphi^+
            - \sigma_y\cos\varphi^+)\sin\theta_j + \sigma_z\cos\theta_j] \} c_{n+j} + h.c., \\
        t_j = t_1 e^{-(l_j - l_1)/l_c}, \quad s_j = s_1 e^{-(l_j - l_1)/l_c}, \quad
        \varphi^\pm = (\varphi_{n+j}\pm\varphi_n)/2, \quad
        \cos\theta_j = 2R\sin(j\Delta\varphi/2)/l_j

    The law of the hops is read in public code; the numbers are written from memory: verify.

    References
    ----------
    guo_sun_2014
    """

    length: int = published(
        30, symbol="N", low=2, high=MOST_SITES, about="number of sites", mark=MEMORY
    )
    reach: int = published(
        ALL,
        symbol="j_{max}",
        low=1,
        high=ALL,
        about="farthest neighbour of a hop",
        mark=PUBLIC_CODE,
    )
    radius: float = published(
        0.25, unit="nm", symbol="R", above=0, high=1e3, about="of the helix", mark=MEMORY
    )
    twist: float = published(
        5 * np.pi / 9,
        unit="rad",
        symbol=r"\Delta\varphi",
        about="from a site to the next",
        mark=MEMORY,
    )
    rise: float = published(
        0.15,
        unit="nm",
        symbol=r"\Delta h",
        above=0,
        high=1e3,
        about="from a site to the next",
        mark=MEMORY,
    )
    decay_length: float = published(
        0.09, unit="nm", symbol="l_c", above=0, high=1e3, about="of the hops", mark=MEMORY
    )
    hopping: float = published(0.1, unit="eV", symbol="t_1", about="to the next site", mark=MEMORY)
    spin_orbit: float = published(
        0.012, unit="eV", symbol="s_1", about="spin-orbit hop to the next site", mark=MEMORY
    )
    handedness: int = published(
        1, symbol=r"\chi", choices=(1, -1), about="sign of the twist", mark=OWN
    )
    lead_coupling: float = published(
        0.1, unit="eV", symbol=r"\Gamma", above=0, high=LARGEST, about="of an end site", mark=OWN
    )
    probe: str = published(
        "dephasing",
        symbol=r"\mathrm{probe}",
        choices=("none", "dephasing", "voltage"),
        about="on every site",
        mark=MEMORY,
    )
    probe_coupling: float = published(
        0.004, unit="eV", symbol=r"\Gamma_d", low=0, high=LARGEST, about="of a probe", mark=OWN
    )
    fermi_energy: float = published(
        -0.05, unit="eV", symbol="E_F", low=-LARGEST, high=LARGEST, about="mean potential", mark=OWN
    )

    def molecule(self) -> Molecule:
        """Sites along the helix; the leads touch the first and the last."""
        count, step = self.length, self.handedness * self.twist
        angle = step * np.arange(count)
        j = np.arange(1, min(self.reach, count - 1) + 1)
        chord = 2 * self.radius * np.sin(j * step / 2)
        distance = np.hypot(chord, self.rise * j)
        fall = np.exp(-(distance - distance[0]) / self.decay_length)
        cosine = chord / distance
        sine = np.sqrt(1 - cosine**2)
        h = hop_matrix(count)
        for k, neighbour in enumerate(j):
            for n in range(count - neighbour):
                mean = (angle[n + neighbour] + angle[n]) / 2
                bend = np.cos((angle[n + neighbour] - angle[n]) / 2)
                axis = np.array([np.sin(mean) * sine[k], -np.cos(mean) * sine[k], cosine[k]])
                hop = self.hopping * np.eye(2) + 2j * self.spin_orbit * bend * spinor(axis)
                join(h, n, n + int(neighbour), fall[k] * hop)
        places = np.stack(
            [
                self.radius * np.cos(angle),
                self.radius * np.sin(angle),
                self.rise * np.arange(count),
            ],
            axis=-1,
        )
        return chain(h, places)
