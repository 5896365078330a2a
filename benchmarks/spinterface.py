"""Times of the spinterface family, as ratios against direct quadrature in the same run.

Pin BLAS to one thread (OPENBLAS_NUM_THREADS=1) before comparing.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import quad_vec

from benchmarks.timing import median_time
from chirospin import spinterface
from chirospin.spinterface import Contact, Map
from chirospin.spinterface.contact import emission_of, places_of
from chirospin.spinterface.response import bias_window, energy_of, equilibrium_response, respond

GRID = np.linspace(-5.0, 5.0, 100)


def plain_matsubara(model: Contact) -> tuple[np.ndarray, int]:
    """The equilibrium spin by every term of the sum."""
    metal, emission, drive = emission_of(model)
    places = places_of(model)
    top = (22 / places.distance.min()) ** 2 / metal.N0
    n = np.arange(int(top / (2 * np.pi * drive.thermal_energy)) + 1)
    z = 1j * np.pi * drive.thermal_energy * (2 * n + 1)
    kappa = metal.kappa(z)
    T = emission.transfer(z, kappa) * 2 * drive.thermal_energy
    return respond(metal, places, kappa, T, advanced=False, flow=False).real.density.vector, n.size


def adaptive_driven(model: Contact) -> np.ndarray:
    """The driven spin by adaptive quadrature over the bias window."""
    metal, emission, drive = emission_of(model)
    places = places_of(model)
    low, high, marks = bias_window(metal, drive)

    def integrand(q: float) -> np.ndarray:
        energy, kappa = energy_of(metal, np.array([q]))
        T = emission.driven(energy, kappa) * abs(q) / metal.N0 / (2j * np.pi)
        return respond(
            metal, places, kappa, T, advanced=True, flow=False
        ).real.density.vector.ravel()

    found, _ = quad_vec(integrand, low, high, epsrel=1e-10, epsabs=1e-18, points=marks)
    return found.reshape(-1, 3)


def main() -> None:
    """Print the table."""
    model = Contact(distance=np.geomspace(0.1, 10, 20), lead_potential=0.3)
    metal, emission, drive = emission_of(model)
    places = places_of(model)
    fast, energies = equilibrium_response(metal, emission, drive.thermal_energy, places, flow=False)
    slow, terms = plain_matsubara(model)
    off = np.abs(fast.density.vector - slow).max() / np.abs(slow).max()
    ours = median_time(
        lambda: equilibrium_response(metal, emission, drive.thermal_energy, places, flow=False)
    )
    theirs = median_time(lambda: plain_matsubara(model))
    print(
        f"equilibrium, 20 places: {ours * 1e3:.1f} ms with {energies} energies; every term ", end=""
    )
    print(f"({terms}) {theirs * 1e3:.1f} ms, ratio {theirs / ours:.0f}, difference {off:.0e}")
    found = spinterface.solve(model).spin_density_driven.values
    direct = adaptive_driven(model)
    off = np.abs(found - direct).max() / np.abs(direct).max()
    ours = median_time(lambda: spinterface.solve(model))
    theirs = median_time(lambda: adaptive_driven(model), 3)
    print(
        f"whole answer with audit: {ours * 1e3:.1f} ms; adaptive quadrature of its driven part ",
        end="",
    )
    print(f"{theirs * 1e3:.0f} ms, ratio {theirs / ours:.0f}, difference {off:.0e}")
    for label, kwargs in (
        ("", {}),
        (", T = 0", {"thermal_energy": 0.0}),
        (", d = 2", {"dimension": 2}),
    ):
        z = [0.0] if kwargs.get("dimension") == 2 else [0.5]
        one = Map(lead_potential=0.3, x=GRID, y=GRID + 1e-3, z=z, **kwargs)
        print(
            f"map of 10000 positions{label}: {median_time(lambda m=one: spinterface.solve(m), 3):.2f} s"
        )


if __name__ == "__main__":
    main()
