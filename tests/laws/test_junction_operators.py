"""Exported operators: L rho = 0, conservation laws, currents, QuTiP's own operators and steady state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chirospin import junction
from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.junction import GKSL, BiasedJunction, Junction, MeanField, PhononJunction
from tests.laws.junctions import field, junctions
from tests.oracles import full_fock, qutip_junction

ROUNDED = 1e-12  # 1e4 roundings of numbers of order one
GENERAL: dict[str, Any] = {
    "spin_orbit_vectors": [[0.2, 0.1, 0.3], [0.1, -0.2, 0.05]], "hund": 0.4, "hubbard_a": 2.0,
    "hubbard_b": 3.0, "hubbard_ab_singlet": 2.0, "hubbard_ab_triplet": 1.6, "hopping_ab": 0.3,
    "occupation_left": 0.9, "occupation_right": 0.2, "lead_polarisation": 0.7,
}  # fmt: skip


@pytest.fixture(scope="module")
def dimer() -> dict[str, Any]:
    """Everything of one general dimer, ours."""
    model = Junction(**GENERAL)
    return {
        "H": junction.hamiltonian(model),
        "jumps": junction.jump_operators(model, "down"),
        "L": junction.liouvillian(model, "down"),
        "rho": junction.density_operator(model, "down"),
        "flow": junction.lead_current_operator(model, "left", "down"),
        "G": junction.one_body_density(model, GKSL(tolerance=1e-14)),
        "result": junction.solve(model, GKSL(tolerance=1e-14)),
    }


def apart(ours: Any, theirs: Any) -> float:
    return float(abs(ours - theirs).max())


def expectation(operator: Any, rho: Any) -> float:
    return float((operator.matrix @ rho.matrix).trace().real)


def test_operators_of_the_dimer_are_those_of_qutip(dimer: dict[str, Any]) -> None:
    p = full_fock.Parameters(**GENERAL)
    H, jumps = qutip_junction.hamiltonian(p), qutip_junction.collapse_operators(p, -1)
    assert dimer["H"].to_qutip().dims == H.dims
    assert (dimer["H"].to_qutip() - H).norm("max") < ROUNDED
    found = [one.to_qutip() for one in dimer["jumps"]]
    theirs = sum(J.dag() * J for J in jumps)
    assert (sum(J.dag() * J for J in found) - theirs).norm("max") < ROUNDED
    import qutip

    L = dimer["L"].to_qutip()
    whole = qutip.liouvillian(H, jumps)
    assert L.dims == whole.dims
    assert L.superrep == whole.superrep
    assert (L - whole).norm("max") < ROUNDED
    rho = qutip.operator_to_vector(dimer["rho"].to_qutip())
    assert (whole * rho).norm() < ROUNDED


def test_the_steady_state_of_the_dimer_is_that_of_qutip() -> None:
    """QuTiP's connected block knows no charge; it is quickest at the reference point, where there are two."""
    model, p = Junction(), full_fock.Parameters()
    theirs = qutip_junction.steady_state(p, 1)
    rho = junction.density_operator(model).to_qutip()
    assert (rho - theirs).norm("max") < ROUNDED
    flow = (junction.lead_current_operator(model).to_qutip() * theirs).tr().real
    result = junction.solve(model, GKSL(tolerance=1e-14))  # by default 5e-13 away: slow modes
    assert flow == pytest.approx(float(result.current[0]), abs=ROUNDED)
    assert flow == pytest.approx(qutip_junction.current(p, 1, rho), abs=ROUNDED)


def test_what_is_exported_is_stationary_positive_and_carries_the_current(
    dimer: dict[str, Any],
) -> None:
    rho = dimer["rho"].matrix
    still = dimer["L"].matrix @ rho.toarray().ravel(order="F")
    assert np.abs(still).max() < ROUNDED
    assert rho.trace() == pytest.approx(1, abs=ROUNDED)
    assert apart(rho, rho.conj().T) < ROUNDED
    assert np.linalg.eigvalsh(rho.toarray()).min() > -ROUNDED
    current = dimer["result"].current.sel(magnetisation="down").item()
    assert expectation(dimer["flow"], dimer["rho"]) == pytest.approx(current, abs=ROUNDED)


def test_one_body_density_is_that_of_the_density_operator(dimer: dict[str, Any]) -> None:
    model, rho = Junction(**GENERAL), dimer["rho"].matrix
    c = [
        junction.annihilator(model, m, o, s).matrix
        for m in (1, 2)
        for o in "ab"
        for s in ("up", "down")
    ]
    G = np.array([[(rho @ x.T @ y).trace() for y in c] for x in c])
    ours = dimer["G"].sel(magnetisation="down")
    assert np.abs(ours.values - G).max() < ROUNDED
    assert ours.sel(created="2 b up", destroyed="2 b up").item() == pytest.approx(
        dimer["result"]
        .occupation.sel(magnetisation="down", molecule=2, orbital="b", spin="up")
        .item(),
        abs=ROUNDED,
    )


def test_the_other_order_of_the_orbitals_is_found_out(dimer: dict[str, Any]) -> None:
    """The control: the same states, the last spin-orbital as the leading digit."""
    place = [int(format(i, "08b")[::-1], 2) for i in range(256)]
    wrong = dimer["rho"].matrix[place][:, place]
    L, flow = dimer["L"].matrix, dimer["flow"].matrix
    assert np.abs(L @ wrong.toarray().ravel(order="F")).max() > 1e-3
    assert abs((flow @ wrong).trace() - (flow @ dimer["rho"].matrix).trace()) > 1e-3
    by_rows = dimer["rho"].matrix.toarray().ravel(order="C")
    assert np.abs(L @ by_rows).max() > 1e-4


@settings(max_examples=5)
@given(junctions(molecules=1, general=True), st.sampled_from(["up", "down"]))
def test_the_generator_keeps_the_trace_and_has_the_exported_state(
    model: Junction, magnetisation: str
) -> None:
    L = junction.liouvillian(model, magnetisation).matrix
    assert np.abs(np.eye(16).ravel() @ L).max() < ROUNDED
    rho = junction.density_operator(model, magnetisation)
    assert np.abs(L @ rho.matrix.toarray().ravel(order="F")).max() < ROUNDED
    total = sum(
        expectation(junction.lead_current_operator(model, lead, magnetisation), rho)
        for lead in ("left", "right")
    )
    assert total == pytest.approx(0, abs=ROUNDED)
    other = "down" if magnetisation == "up" else "up"
    reversed_lead = junction.liouvillian(model, other).matrix
    assert np.abs(reversed_lead @ rho.matrix.toarray().ravel(order="F")).max() > 1e-6


def test_one_electron_states_have_the_levels_of_the_one_body_matrix() -> None:
    model = Junction(one_body_matrix=field(0.2), hubbard=7)
    H = junction.hamiltonian(model).matrix.tocsr()
    ones = [1 << k for k in reversed(range(8))]
    p = full_fock.Parameters(one_body_matrix=field(0.2))
    assert apart(H[ones][:, ones].toarray(), full_fock.one_body_hamiltonian(p)) < ROUNDED


def test_at_finite_bias_there_is_a_hamiltonian_and_a_one_body_density() -> None:
    model = BiasedJunction(molecules=1, gate=0.3)
    levels = junction.hamiltonian(model).matrix.diagonal().real[[1, 2, 4, 8]]
    flat = junction.hamiltonian(model.replace(gate=0)).matrix.diagonal().real[[1, 2, 4, 8]]
    assert np.abs(levels - flat) == pytest.approx(np.full(4, 0.3))
    G = junction.one_body_density(model)
    occupation = junction.solve(model).occupation.values.reshape(2, 4)
    assert np.einsum("mkk->mk", G.values).real == pytest.approx(occupation, abs=ROUNDED)
    with pytest.raises(ModelError, match="infinite bias"):
        junction.liouvillian(model)  # type: ignore[arg-type]


def test_labels_state_the_order() -> None:
    table = junction.hamiltonian(Junction(molecules=1, energy_b=0.8)).to_dataarray()
    assert table.sel(ket="0010", bra="0010").item() == pytest.approx(0.8)
    assert "1 a up, 1 a down, 1 b up, 1 b down" in table.attrs["order"]
    assert table.attrs["units"] == "eV"
    assert (
        junction.one_body_density(Junction(hubbard=0), MeanField()).attrs["method"] == "mean-field"
    )


def test_what_does_not_fit_is_refused_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chirospin.junction.fock_operator.available_bytes", lambda: 2.0**30)
    with pytest.raises(ModelError, match=r"Liouvillian.* 3 molecules need about .* GiB"):
        junction.liouvillian(Junction(molecules=3))
    with pytest.raises(ModelError, match=r"Hamiltonian.* 7 molecules need about .* GiB"):
        junction.hamiltonian(Junction(molecules=7))
    with pytest.raises(ModelError, match="must stay sparse"):
        junction.liouvillian(Junction(molecules=1)).to_dataarray()
    with pytest.raises(ModelError, match="one of left, right"):
        junction.lead_current_operator(Junction(), "top")
    with pytest.raises(ModelError, match="probes"):
        junction.density_operator(Junction(probe="dephasing", probe_coupling=0.1))
    shaken = PhononJunction(
        molecules=1, phonon_energy=[0.2], phonon_damping=[0.1], holstein_a=[[0.1]]
    )
    for verb in (junction.hamiltonian, junction.liouvillian, junction.density_operator):
        with pytest.raises(ModelError, match="vibrations"):
            verb(shaken)
    with pytest.raises(ModelError, match="method must be given"):
        junction.one_body_density(shaken)
    with pytest.raises(ConvergenceError, match="steady states"):
        junction.density_operator(Junction(coupling_a=0, spin_orbit=0, hopping_a=0))


def test_the_room_that_is_asked_for_is_enough(dimer: dict[str, Any]) -> None:
    """Entries are estimated before anything is built."""
    L, H = dimer["L"].matrix, dimer["H"].matrix
    assert L.nnz <= 256**2 * (2 + 10 * 2)
    assert H.nnz <= 256 * (1 + 5 * 2)
