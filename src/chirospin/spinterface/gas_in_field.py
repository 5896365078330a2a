r"""The whole gas in a magnetic field of any size: the shell between both Fermi surfaces.

.. math:: E_s = \frac{k^2}{2N_0} + s|\alpha\mathbf k - h\hat z| - \varepsilon_F, \qquad
          \langle\sigma_z\rangle = -\int\frac{d\Omega_k}{(2\pi)^3}
          \int_{k_+}^{k_-} k^2 dk\, \frac{\alpha k_z - h}{|\alpha\mathbf k - h\hat z|}

Inside both surfaces both spins cancel; only the shell counts, so that nothing is subtracted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chirospin.numerics.quadrature import gauss_panels
from chirospin.spinterface.green import Metal

Real = NDArray[np.float64]
HALVINGS = 60  # of a bracket of a Fermi momentum
CAPS = np.append(1 - np.geomspace(1.0, 1e-4, 7), 1.0)  # cosines, finer where spins turn over
ACROSS = 12  # nodes through the shell
EDGES = np.linspace(-1.0, 1.0, 17)  # of the thermal window, in its half width


def spin_in_field(metal: Metal, kT: float, h: float, nodes: int, reach: float) -> float:
    r""":math:`\langle\sigma_z\rangle` per volume in a field with the Zeeman energy h, 1/nm^3.

    Parameters
    ----------
    nodes : Gauss nodes of a panel of angles, and of energies
    reach : of the thermal window, in k_B T
    """
    if kT == 0:
        return float(_cold(metal, np.array([metal.fermi]), h, nodes)[0])
    x, w = gauss_panels(EDGES, nodes)
    window = reach * kT / (4 * kT * np.cosh(0.5 * reach * x) ** 2)
    return float((w * window) @ _cold(metal, metal.fermi + reach * kT * x, h, nodes))


def _cold(metal: Metal, fermi: Real, h: float, nodes: int) -> Real:
    """The same at zero temperature for Fermi energies above the Zeeman energy, shape (energies,)."""
    c, weight = gauss_panels(np.concatenate([-CAPS[::-1], CAPS[1:]]), nodes)
    inner, outer = _surfaces(metal, fermi[:, None], h, c)
    x, w = gauss_panels(np.array([0.0, 1.0]), ACROSS)
    k = inner[..., None] + (outer - inner)[..., None] * x
    along = metal.alpha * k * c[:, None] - h
    turned = along / np.hypot(along, metal.alpha * k * np.sqrt(1 - c**2)[:, None])
    shell = (outer - inner) * ((k**2 * turned) @ w)
    return np.asarray(-(shell @ weight) / (2 * np.pi) ** 2)


def _surfaces(metal: Metal, fermi: Real, h: float, c: Real) -> tuple[Real, Real]:
    """Fermi momenta of both bands in each direction, shape (energies, angles)."""
    shape = np.broadcast_shapes(fermi.shape, c.shape)
    middle = np.broadcast_to(np.sqrt(2 * metal.N0 * fermi), shape)
    last = metal.a + np.sqrt(metal.a**2 + 2 * metal.N0 * (fermi + abs(h)))
    found = []
    for s, low, high in ((1, 0 * middle, middle), (-1, middle, np.broadcast_to(last, shape))):
        for _ in range(HALVINGS):
            k = 0.5 * (low + high)
            across = metal.alpha * k * np.sqrt(1 - c**2)
            split = np.hypot(metal.alpha * k * c - h, across)
            below = k**2 / (2 * metal.N0) + s * split < fermi
            low, high = np.where(below, k, low), np.where(below, high, k)
        found.append(0.5 * (low + high))
    return found[0], found[1]
