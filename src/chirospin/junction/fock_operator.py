"""Operators of the whole Fock space with their basis: sparse matrices that leave the package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.junction.model import PER_MOLECULE
from chirospin.junction.observables import spin_orbitals

if TYPE_CHECKING:
    import xarray as xr
    from qutip import Qobj

ENTRY_BYTES = 64.0  # value, row and column of an entry, and the copy in which they are sorted
DENSE_BYTES = 48.0  # a complex number, and the copies that a table of numbers makes


def require_matrix_room(what: str, molecules: int, size: float, less: str) -> None:
    """Refuse what would not fit in memory.

    Raises
    ------
    ModelError : says how much would be needed
    """
    free = available_bytes()
    if size > free:
        raise ModelError(
            f"Parameter `molecules` must fit in memory for the {what}, but {molecules} molecules need about "
            f"{in_words(size)} and {in_words(free)} are free; {less}"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class FockOperator:
    r"""A matrix over the Fock states of a stack, with the order of the states.

    State i has the occupations that are the binary digits of i, the first spin-orbital in front:

    .. math:: |n_1 n_2 \ldots\rangle = (c^+_1)^{n_1} (c^+_2)^{n_2} \ldots |0\rangle, \qquad
              i = \sum_k n_k 2^{4M - k}

    so that :math:`c_k` is QuTiP's ``fdestroy(4 M, k - 1)``. A superoperator acts on density operators whose
    columns follow each other, element (i, j) at i + 16^M j, as QuTiP's do.

    Parameters
    ----------
    matrix : (16^M, 16^M), or (256^M, 256^M) of a superoperator; sparse
    super : whether it acts on density operators
    """

    name: str
    unit: str
    molecules: int
    matrix: scipy.sparse.csr_array
    super: bool = False

    @property
    def spin_orbitals(self) -> tuple[str, ...]:
        """Names of the spin-orbitals, the leading digit of a state first."""
        return spin_orbitals(self.molecules)

    @property
    def order(self) -> str:
        """The order of the basis in a sentence."""
        digits = f"binary digits of a state: occupations of {', '.join(self.spin_orbitals)}"
        return digits + ("; density operators column by column" if self.super else "")

    @property
    def states(self) -> tuple[str, ...]:
        """Labels of the Fock states in order: occupations, a space between molecules."""
        n = PER_MOLECULE * self.molecules
        digits = (format(i, f"0{n}b") for i in range(2**n))
        return tuple(
            " ".join(d[k : k + PER_MOLECULE] for k in range(0, n, PER_MOLECULE)) for d in digits
        )

    def __repr__(self) -> str:
        """What it is, its size, and the order of its basis."""
        return (
            f"<{self.name} in {self.unit}, {self.matrix.shape[0]} x {self.matrix.shape[1]}, "
            f"{self.matrix.nnz} entries; {self.order}>"
        )

    def to_scipy(self) -> scipy.sparse.csr_array:
        """The matrix alone, a copy."""
        return self.matrix.copy()

    def to_dataarray(self) -> xr.DataArray:
        """The whole matrix with its states as labels, dimensions ``ket`` and ``bra``.

        Raises
        ------
        ModelError : a superoperator, whose rows are pairs of states, or more numbers than fit in memory
        """
        import xarray as xr

        if self.super:
            raise ModelError(
                f"The {self.name} must stay sparse, but a table was asked for; take to_scipy() or to_qutip()"
            )
        size = DENSE_BYTES * float(self.matrix.shape[0]) ** 2
        require_matrix_room(
            f"table of the {self.name}", self.molecules, size, "to_scipy() takes less"
        )
        return xr.DataArray(
            self.matrix.toarray(),
            dims=("ket", "bra"),
            coords={"ket": list(self.states), "bra": list(self.states)},
            name=self.name.replace(" ", "_"),
            attrs={"units": self.unit, "order": self.order},
        )

    def to_qutip(self) -> Qobj:
        """The same as a ``qutip.Qobj`` with one factor of two states for each spin-orbital.

        Raises
        ------
        ModelError : QuTiP is not installed
        """
        try:
            import qutip
        except ImportError:
            raise ModelError("to_qutip() needs the package qutip: pip install qutip") from None
        factors = [2] * (PER_MOLECULE * self.molecules)
        dims: list[Any] = [factors, factors]
        plain = scipy.sparse.csr_matrix(self.matrix, dtype=np.complex128)
        if self.super:
            return qutip.Qobj(plain, dims=[dims, dims], superrep="super")
        return qutip.Qobj(plain, dims=dims)
