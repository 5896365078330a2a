"""Times of the junction, as ratios against QuTiP in the same run.

Run ``python -m benchmarks.junction``; ``--trimer`` adds three molecules.
Pin BLAS to one thread (OPENBLAS_NUM_THREADS=1) before comparing.
"""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
import time

import numpy as np

from benchmarks.timing import median_time
from chirospin import junction
from chirospin.junction import GKSL, Junction, Landauer, MeanField
from chirospin.points.gradient import derivatives, differentiable

GENERAL = {"spin_orbit_vectors": [[0.03, 0.0, 0.01], [0.0, 0.03, 0.0]]}


def polarisation_by_qutip(model: Junction) -> float:
    """QuTiP's generator, cut by hand to the 4 900 elements of equal charges, solved by LAPACK."""
    import qutip
    from qutip.core import data

    from chirospin.junction.model import (
        exchange_rates,
        interaction,
        lead_couplings,
        one_body_hamiltonian,
    )

    n = 4 * model.molecules
    c = [qutip.fdestroy(n, k) for k in range(n)]
    number = [x.dag() * x for x in c]
    h, W = one_body_hamiltonian(model), interaction(model).density
    H = sum(h[i, j] * c[i].dag() * c[j] for i in range(n) for j in range(n) if h[i, j])
    H += sum(W[i, j] * number[i] * number[j] for i in range(n) for j in range(i) if W[i, j])
    group = [k for k in range(n) if (k % 4) in (0, 3)]
    A = sum(number[k] for k in group).diag().real
    B = sum(number[k] for k in range(n) if k not in group).diag().real
    label = A * 100 + B
    d = len(label)
    row, column = np.nonzero(label[:, None] == label)
    keep = row + d * column  # QuTiP stacks columns
    values = []
    for filling, emptying, coupling in zip(
        *exchange_rates(model), lead_couplings(model), strict=True
    ):
        jumps = [np.sqrt(r) * x.dag() for r, x in zip(filling, c, strict=True) if r]
        jumps += [np.sqrt(r) * x for r, x in zip(emptying, c, strict=True) if r]
        L = qutip.liouvillian(H, jumps).data_as("csr_matrix")[keep][:, keep].toarray()
        L[0, :] = (row == column).astype(complex)
        right = np.zeros((len(keep), 1), dtype=complex)
        right[0] = 1
        x = data.solve(data.Dense(L), data.Dense(right)).to_array()[:, 0]
        rho = np.zeros((d, d), dtype=complex)
        rho[row, column] = x
        n_k = np.array([(op.diag() * np.diag(rho)).sum().real for op in number])
        f = np.array([model.occupation_left, model.occupation_right])
        values.append(float(np.sum(coupling[0] * (f[0] - n_k))))
    return (values[0] - values[1]) / (values[0] + values[1])


def of_state(model: Junction) -> float:
    """Polarisation by the package's exact method."""
    up, down = GKSL().solve(model).lead_current[:, 0]
    return float((up - down) / (up + down))


def dimer() -> None:
    """Alone, in a scan, and general spin-orbit vectors; ratio to QuTiP."""
    alone = median_time(lambda: of_state(Junction()), 9)
    gaps = np.linspace(0.4, 1.4, 48)
    scan = median_time(lambda: junction.solve(Junction(), over={"energy_b": gaps}), 3) / len(gaps)
    general = median_time(lambda: of_state(Junction(**GENERAL)), 5)
    residual = GKSL().solve(Junction()).outcome.residual
    print(f"dimer polarisation alone     {1e3 * alone:8.1f} ms   residual {residual:.1e}")
    print(f"dimer polarisation in a scan {1e3 * scan:8.1f} ms   with audit and Dataset")
    print(f"dimer, general vectors       {1e3 * general:8.1f} ms")
    names = differentiable(Junction())
    slopes = median_time(lambda: derivatives(junction.PROBLEM, Junction(), GKSL(), names), 5)
    print(
        f"dimer, {len(names)} derivatives        {1e3 * slopes:8.1f} ms   ratio {slopes / alone:.1f}"
    )
    for name, method in (("mean field, U = 0.5", MeanField()), ("landauer", Landauer())):
        model = Junction().replace(hubbard=0.5)
        print(f"{name:<28} {1e3 * median_time(lambda k=method, m=model: k.solve(m), 9):8.2f} ms")
    start = time.perf_counter()
    theirs = polarisation_by_qutip(Junction())
    qutip_time = time.perf_counter() - start
    print(
        f"QuTiP, block cut by hand     {1e3 * qutip_time:8.0f} ms   P differs by {abs(theirs - of_state(Junction())):.0e}"
    )
    print(f"ratio QuTiP / chirospin      {qutip_time / alone:8.0f}")


def trimer() -> None:
    """Three molecules, both charges: one polarisation, its memory."""
    start = time.perf_counter()
    P = of_state(Junction(molecules=3))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"trimer polarisation          {time.perf_counter() - start:8.1f} s    P = {P:+.6f}, peak {peak:.2f} GiB"
    )


def shell() -> None:
    """Import and the command line, from a new process."""
    for title, command in (
        ("import chirospin", [sys.executable, "-c", "import chirospin"]),
        ("import chirospin.junction", [sys.executable, "-c", "import chirospin.junction"]),
        ("chirospin solve junction", [sys.executable, "-m", "chirospin", "solve", "junction"]),
    ):
        seconds = median_time(
            lambda c=command: subprocess.run(c, check=True, capture_output=True), 3
        )
        print(f"{title:<28} {1e3 * seconds:8.0f} ms")


def main() -> None:
    """Print everything."""
    print(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}"
    )
    if "--trimer" in sys.argv:
        trimer()
    dimer()
    shell()


if __name__ == "__main__":
    main()
