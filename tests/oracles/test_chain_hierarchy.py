"""The hierarchy between leads with a band, against scattering theory without repulsion and the wide band with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chirospin import junction
from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.junction import BiasedLandauer, CustomJunction, Hierarchy
from chirospin.junction.bias.lead_memory import FIT_ERROR, Chain, LeadMemory, fitted_memory
from chirospin.junction.bias.model import BiasedJunction

LEVEL: dict[str, Any] = {
    "one_body_matrix": [[0.3]], "lead_matrices": [[[0.1]], [[0.15]]], "reversed_leads": "none",
    "lead_potentials": (0.4, -0.3), "thermal_energy": 0.1, "lead_chain_hoppings": (1.0, 1.5),
}  # fmt: skip


def level(**values: Any) -> CustomJunction:
    """One level without spin between two leads."""
    return CustomJunction(**{**LEVEL, **values})


def interfering(**values: Any) -> CustomJunction:
    """Two levels that complex widths join, so that no phase can be dropped."""
    vectors = np.array([[[0.3, 0.2j]], [[0.15 + 0.1j, -0.3]]])
    return CustomJunction(
        one_body_matrix=[[0.2, 0.1 - 0.15j], [0.1 + 0.15j, -0.3]], lead_vectors=vectors,
        reversed_leads="none", lead_potentials=(0.4, -0.3), thermal_energy=0.1, **values,
    )  # fmt: skip


def gaps(model: CustomJunction) -> tuple[float, float]:
    """Of current and occupations from scattering theory, over what the fit is said to leave."""
    exact, found = BiasedLandauer().solve(model), Hierarchy().solve(model)
    bar = found.error_bar
    assert bar is not None
    current = np.abs(found.lead_current - exact.lead_current).max()
    n = [np.einsum("mkk->mk", one.one_body_density).real for one in (found, exact)]
    return float(current / bar.max()), float(np.abs(n[0] - n[1]).max() / (2 * found.bath_fit))


@pytest.mark.parametrize(
    "model",
    [
        level(thermal_energy=0.03, lead_band_centres=(0.4, -0.5)),
        level(lead_chain_hoppings=(1.0, 0.0)),
        level(lead_matrices=[[[0.2]], [[1e-3]]], lead_thermal_energies=(0.3, 0.05), thermal_energy=None),
        interfering(lead_chain_hoppings=(1.0, 0.8)),
    ],
    ids=["bands moved", "chain and wide band", "weak and cold", "interfering"],
)  # fmt: skip
def test_without_repulsion_tier_two_is_scattering(model: CustomJunction) -> None:
    assert max(gaps(model)) < 1


def test_weights_of_the_wrong_conjugate_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: eta and eta~ in one pair, where the equations want the conjugate of eta~."""

    def wrong(memory: LeadMemory, sigma: int) -> tuple[np.ndarray, np.ndarray]:
        own, other = (memory.entering, memory.leaving)[::sigma]
        other = other.conj()
        return (own - other) / 2, (own + other) / 2

    model = level(lead_chain_hoppings=(1.0, 1.0))
    assert max(gaps(model)) < 1
    monkeypatch.setattr(LeadMemory, "halves_of", wrong)
    assert gaps(model)[0] > 50


def test_slope_of_a_chain_is_that_of_scattering_and_noise_is_not_known() -> None:
    model = level(lead_chain_hoppings=(1.0, 1.0))
    found = Hierarchy().solve(model, ["noise", "bias_response"])
    assert found.parts["noise"] is None
    step = 1e-3
    ends = [(0.4 + s / 2, -0.3 - s / 2) for s in (step, -step)]
    flows = [BiasedLandauer().solve(model.replace(lead_potentials=mu)).lead_current for mu in ends]
    response = found.parts["bias_response"]
    slope = (flows[0] - flows[1])[0, 0] / (2 * step)
    assert abs(response.slope[0] - slope) < min(response.error[0], 0.02 * abs(slope))


def test_spin_currents_between_crossed_magnets_on_chains() -> None:
    """They add up with the torque of the Hamiltonian, and are those of a wide band as it grows wide."""
    x, z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])
    dot = {
        "one_body_matrix": -0.2 * np.eye(2), "lead_matrices": [0.01 * (np.eye(2) + 0.8 * s) for s in (x, z)],
        "interaction_tensor": [[0, 1, 0, 1, 1.0], [1, 0, 1, 0, 1.0]], "bias": 1.0, "thermal_energy": 0.3,
    }  # fmt: skip
    wide = Hierarchy().solve(CustomJunction(**dot), ["spin_flow"])
    apart = []
    for t in (1.0, 20.0):
        narrow = Hierarchy().solve(CustomJunction(**dot, lead_chain_hoppings=(t, t)), ["spin_flow"])
        flow = narrow.parts["spin_flow"]
        np.testing.assert_allclose(flow.current.sum(axis=1) + flow.torque, 0, atol=1e-9)
        apart.append(np.abs(flow.current - wide.parts["spin_flow"].current).max())
        apart.append(np.abs(narrow.lead_current - wide.lead_current).max())
    scale = np.abs(wide.lead_current).max()
    assert apart[2] < 0.01 * scale
    assert apart[3] < 0.005 * scale < apart[1]


def test_a_poor_fit_is_told_and_a_level_outside_the_bands_is_not_solved() -> None:
    ds = junction.solve(level(), Hierarchy(poles=8), observables=["mean_current"])
    assert not ds.audit_passed.sel(check="bath_fit").item()
    assert ds.audit_value.sel(check="bath_fit").item() > FIT_ERROR
    with pytest.raises(ConvergenceError, match="eV lies outside the bands"):
        Hierarchy().solve(level(one_body_matrix=[[2.9]]))
    # blocks of more than one state have no eigenvalues where nothing was found
    two = BiasedJunction(molecules=1, energy_b=5, bias=1, lead_chain_hoppings=(0.3, 0.3))
    with pytest.raises(ConvergenceError, match="eV lies outside the bands"):
        Hierarchy().solve(two)
    with pytest.raises(ModelError, match=r"`tier` .* \[2, 3\] for leads with a band"):
        Hierarchy(tier=1).solve(level())
    with pytest.raises(ModelError, match=r"`poles` .* \[2, 32\] for leads with a band"):
        Hierarchy(poles=40).solve(level())


def test_the_fit_is_judged_by_what_a_level_sees() -> None:
    """Against an integral of its own; more exponentials miss less, and a long memory needs more."""
    chain, levels = Chain(1.0, 0.2, 0.1), np.array([0.0, 0.7])
    memory = chain.memory(8)
    omega = np.linspace(-7, 7, 200_001)
    missed = np.abs(memory.spectra(omega) - chain.spectra(omega)).max(axis=0)
    kernel = 0.05 / np.pi / ((omega - levels[:, None]) ** 2 + 0.05**2)
    seen = np.trapezoid(kernel * missed, omega, axis=1).max()
    assert chain.fit_error(memory, levels, 0.1) == pytest.approx(seen, rel=0.02)
    errors = [chain.fit_error(chain.memory(n), levels, 0.1) for n in (6, 9, 12)]
    assert errors[0] > 3 * errors[1] > 9 * errors[2]
    few, many = (fitted_memory(Chain(1.0, 0.0, T), levels, 0.1, None)[0] for T in (0.3, 0.01))
    assert few.decay.size < many.decay.size
