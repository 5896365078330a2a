"""Spin one half: the Pauli matrices and the order up, down along +z."""

from __future__ import annotations

import numpy as np

PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]], dtype=complex)
"""Pauli matrices, shape (component x y z, spin, spin); first spin state is up along +z."""
PAULI.setflags(write=False)
