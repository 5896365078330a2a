r"""A contact that is not a point: the level is spread evenly over a sphere, a ring or two points.

The form factor of the contact,

.. math:: F(q) = \frac{\sin qR}{qR}, \quad J_0(qR), \quad \cos qR \qquad (d = 3, 2, 1),

is the average of :math:`e^{i\mathbf q\cdot\mathbf r}` over the sphere. Outside it each branch of the metal's
Green function is that of the point times F at its own momentum, exactly, by the mean of a wave over a sphere.
The level sees the average over both ends,

.. math:: g_\mathrm{loc} = -\frac{iN_0}{4\pi\kappa}\sum_s \kappa_s^2\, j_0(\kappa_sR)\, h_0(\kappa_sR) \quad (d = 3),

whose high energies fall as 1/(R sqrt(z)) instead of growing: what hybridises ends at q ~ 1/R.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.numerics.quadrature import gauss_nodes

Complex = NDArray[Any]
SERIES = 0.1  # of q R: below it F' is summed as a series
CLOSE = 1.0  # a R below which the difference of both branches is integrated instead of subtracted
_NODES = gauss_nodes(10)


@dataclass(frozen=True, kw_only=True)
class Branches:
    """F at both branches, kappa + a and kappa - a.

    Parameters
    ----------
    mean : half the sum
    half : half the difference
    """

    mean: Complex
    half: Complex


def form_factor(d: int, radius: float, q: Complex) -> Complex:
    """F(q) in d dimensions, 1 at q = 0; radius in nm, q in 1/nm, any complex one."""
    x = np.asarray(q, dtype=complex) * radius
    if d == 3:
        return np.asarray(np.sin(x) / np.where(x == 0, 1.0, x) + (x == 0))
    return np.asarray(scipy.special.jv(0, x) if d == 2 else np.cos(x))


def form_slope(d: int, radius: float, q: Complex) -> Complex:
    """dF/dq."""
    x = np.asarray(q, dtype=complex) * radius
    if d == 1:
        return np.asarray(-radius * np.sin(x))
    if d == 2:
        return np.asarray(-radius * scipy.special.jv(1, x))
    near = np.abs(x) < SERIES
    far = np.where(near, 1.0, x)
    series = x * (-1 / 3 + x**2 * (1 / 30 + x**2 * (-1 / 840 + x**2 / 45360)))
    return np.asarray(radius * np.where(near, series, (np.cos(far) - np.sin(far) / far) / far))


def branches_of(d: int, a: float, radius: float, kappa: Complex, contacts: int = 1) -> Branches:
    """F, or its square between two contacts, at kappa +- a, without loss of digits for a small a R.

    Parameters
    ----------
    kappa : 1/nm, any shape
    contacts : 1 or 2
    """
    one, other = (form_factor(d, radius, kappa + s * a) for s in (1, -1))
    mean = (one + other) / 2
    if abs(a) * radius < CLOSE:
        slopes = [form_slope(d, radius, kappa + a * x) for x in _NODES[0]]
        half = a / 2 * np.tensordot(_NODES[1], np.stack(slopes), 1)
    else:
        half = (one - other) / 2
    if contacts == 2:
        return Branches(mean=mean**2 + half**2, half=2 * mean * half)
    return Branches(mean=mean, half=half)


def local_average(d: int, a: float, radius: float, kappa: Complex, reference: float) -> Complex:
    r"""The local function over N_0, averaged over both ends, less the constant that diverges for R -> 0.

    That constant, :math:`-1/2\pi R` in three dimensions and :math:`(\ln\tfrac12 k_0R + \gamma)/\pi` in two,
    is part of the level as it is for a point, so that R -> 0 is the point contact.
    """
    w = 2j * kappa * radius
    if d == 1:
        return np.asarray(-0.5j / kappa * (1 + np.exp(w) * np.cos(2 * a * radius)))
    if d == 3:
        near = np.abs(w) < SERIES
        far = np.where(near, 1.0, w)
        series = -w * (1 / 2 + w * (1 / 6 + w * (1 / 24 + w * (1 / 120 + w / 720 + w**2 / 5040))))
        grown = np.where(near, series, 1 - np.expm1(far) / far)
        turned = -1j * np.sin(a * radius) ** 2 * np.exp(w) / (radius * kappa)
        return np.asarray((grown + turned) / (2 * np.pi * radius))
    total = np.zeros_like(kappa)
    for k in (kappa + a, kappa - a):
        x, turned = k * radius, np.where(k == 0, 1e-200, k.imag - 1j * k.real) * radius
        # J_0(x) H_0(x), H_0(x) = 2/(i pi) K_0(-ix), both without their exponentials
        size = np.exp(np.abs(x.imag) - turned)
        both = scipy.special.jve(0, x) * scipy.special.kve(0, turned) * size
        total = total + k * 2 / (1j * np.pi) * both
    constant = (np.log(reference * radius / 2) + np.euler_gamma) / np.pi
    return np.asarray(-0.25j / kappa * total - constant)
