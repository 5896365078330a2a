"""Laws of magnets at any angle, of interference, of several leads and of any Hamiltonian, with controls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from chirospin import junction
from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.method import Method
from chirospin.base.stored import stored_model
from chirospin.junction import (
    GKSL,
    AnyLeadsJunction,
    BiasedJunction,
    BiasedLandauer,
    BiasedMeanField,
    CustomJunction,
    DetailedBalance,
    Evolution,
    Junction,
    Landauer,
    MixedGKSL,
    Redfield,
    SelectedProducts,
    SwitchedBias,
    SwitchedJunction,
    Trajectories,
    UniversalLindblad,
)
from chirospin.junction.audit import turned
from chirospin.junction.custom import with_potentials
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.leads import FlatMember
from chirospin.junction.model import lead_widths
from chirospin.junction.time.switched import SwitchedRedfield
from tests.laws.junctions import number

SAME = 1e-11  # residual 1e-12 over the slowest relaxation, 0.1
SEEN = 1e-4
Z = [0.0, 0.0, 1.0]
LEVEL: dict[str, Any] = {
    "molecules": 1,
    "energy_b": 50.0,
    "spin_orbit": 0.0,
    "hubbard": 2.0,
    "hubbard_ab_singlet": 0.0,
    "hubbard_ab_triplet": 0.0,
}


def tilted(angle: float) -> list[list[float]]:
    return [[np.sin(angle), 0.0, np.cos(angle)], Z]


def level(angle: float, p: float, kind: Any = Junction, **values: Any) -> Any:
    """One level between equal magnets; the other lies far above."""
    couplings = [np.diag([0.05, 0.05])] * 2
    given = {**LEVEL, "lead_orbitals": couplings, "lead_directions": tilted(angle)} | values
    return kind(**given, lead_polarisations=[p, p])


def ends(left: float = 0.05, mixing: complex = 0.0) -> list[np.ndarray]:
    """W of the default dimer's leads, with an element between the orbitals of the left one."""
    W = [np.zeros((4, 4), complex), np.zeros((4, 4), complex)]
    W[0][:2, :2] = [[left, mixing], [np.conj(mixing), left]]
    W[1][2:, 2:] = np.diag([0.1, 0.1])
    return W


def polarisation(model: Junction, method: Method | None = None) -> float:
    up, down = (method or GKSL()).solve(model).lead_current[:, 0]
    return float((up - down) / (up + down))


# magnets at any angle


@given(angle=number(0.1, 3.0), p=number(0.2, 0.95), U=number(0.0, 6.0))
@settings(max_examples=8, deadline=None)
def test_angular_law_of_one_level(angle: float, p: float, U: float) -> None:
    r"""I(theta)/I(0) = 1 - p^2 sin^2(theta/2) between equal magnets, whatever the repulsion."""
    hubbard = {"hubbard": U, "hubbard_ab_singlet": 0, "hubbard_ab_triplet": 0, "energy_b": 0.3}
    along, across = (GKSL().solve(level(x, p, **hubbard)).lead_current[0, 0] for x in (0.0, angle))
    assert across / along == pytest.approx(1 - p**2 * np.sin(angle / 2) ** 2, abs=SAME)
    unequal = {"lead_orbitals": [np.diag([0.02, 0.05]), np.diag([0.05, 0.05])]}
    along, across = (
        GKSL().solve(level(x, p, **hubbard, **unequal)).lead_current[0, 0] for x in (0.0, angle)
    )
    expected = p**2 * np.sin(angle / 2) ** 2
    assert abs(across / along - 1 + expected) > 1e-3 * expected


def test_no_unique_state_between_parallel_half_metals() -> None:
    with pytest.raises(ConvergenceError, match="steady states"):
        GKSL().solve(level(0.0, 1.0, energy_b=0.3))
    assert GKSL().solve(level(0.3, 1.0, energy_b=0.3)).lead_current[0, 0] == pytest.approx(
        0.1 * np.cos(0.15) ** 2, abs=SAME
    )


@pytest.mark.parametrize("axis", [[1, 0, 0], [0, 1, 0]])
def test_a_magnet_in_the_plane_sees_no_handedness(axis: list[int]) -> None:
    """Turn by pi about z, b to -b; broken by hops or leads that join a and b."""
    directions = [axis, Z]
    plain = Junction(lead_directions=directions)
    assert abs(polarisation(plain)) < SAME
    expected = {True: (-0.0074, 0.0036), False: (0.0016, 0.0172)}[axis[0] == 1]
    assert polarisation(plain.replace(hopping_ab=0.3)) == pytest.approx(expected[0], abs=1e-4)
    mixed = plain.replace(lead_orbitals=ends(mixing=0.03))
    assert polarisation(mixed) == pytest.approx(expected[1], abs=1e-4)


def test_turning_stack_and_magnets_together_changes_nothing() -> None:
    vectors = [[0.1, 0.2, 0.05], [0.05, -0.1, 0.2]]
    model = Junction(
        hubbard_a=3,
        spin_orbit_vectors=vectors,
        lead_polarisations=[0.8, 0.4],
        lead_directions=[[1, 1, 1], [0, 1, -1]],
    )
    here, there = (GKSL().solve(m).lead_current for m in (model, turned(model)))
    assert np.abs(here - there).max() < SAME
    leads_alone = turned(model).replace(spin_orbit_vectors=vectors)
    assert np.abs(here - GKSL().solve(leads_alone).lead_current).max() > 1e-5


def test_partial_polarisation_kills_the_magnetoresistance() -> None:
    found = [polarisation(Junction(lead_polarisation=p)) for p in (1.0, 0.95, 0.5)]
    assert found == pytest.approx([-0.24107, -0.0528, -5.0e-4], rel=0.01)


# two magnets


def test_reversing_both_magnets_is_time_reversal_without_repulsion() -> None:
    def parts(model: Junction) -> np.ndarray:
        ds = junction.solve(model, "gksl", observables=["current_parts", "magnetoresistance"])
        assert ds.audit_passed.all()
        _, left, right, both = (values := ds.current_parts.values)
        parallel, other = values.sum(), values @ [1, 1, -1, -1]
        assert ds.magnetoresistance.item() == pytest.approx(parallel / other - 1, rel=1e-9)
        return np.array([left, right, both])

    two = Junction(hubbard=0, lead_orbitals=ends(0.1), lead_polarisations=[0.4, 0.4])
    left, right, both = parts(two)
    assert max(abs(left), abs(right)) < SAME
    assert both > 1e-3
    left, right, both = parts(two.replace(hubbard=4))
    assert min(abs(left), abs(right)) > 1e-7
    assert both < -1e-5


def test_reversing_a_lead_conjugates_its_orbitals_too() -> None:
    """Without repulsion both reversed is the same current; turning n alone is not time reversal."""
    W = [[[0.1, 0.03 + 0.02j], [0.03 - 0.02j, 0.05]], [[0.06, -0.02j], [0.02j, 0.12]]]
    directions, p = [[1, 1, 1], [0, 1, -1]], np.array([0.8, 0.6])
    model = Junction(
        molecules=1,
        energy_b=0.1,
        spin_orbit_vectors=[[0.1, 0.2, 0.3]],
        hubbard=0,
        lead_orbitals=W,
        lead_directions=directions,
        lead_polarisations=p,
        reversed_leads=("left", "right"),
    )
    up, down = GKSL().solve(model).lead_current[:, 0]
    assert abs(up - down) < SAME
    naive = GKSL().solve(model.replace(lead_polarisations=-p)).lead_current[0, 0]
    assert abs(up - naive) > SEEN


def test_the_left_default_coupling_is_half_the_right_one() -> None:
    """A hidden asymmetry in every spin valve: W is what makes both alike."""
    left, right = np.trace(lead_widths(Junction(lead_polarisations=[0.4, 0.4])), axis1=1, axis2=2)
    assert (left / right).real == pytest.approx(0.5, rel=1e-14)
    given = Junction(lead_polarisations=[0.4, 0.4], lead_orbitals=ends(0.1))
    left, right = np.trace(lead_widths(given), axis1=1, axis2=2)
    assert left == pytest.approx(right)


def test_julliere_is_the_limit_far_from_the_level() -> None:
    values = {"bias": 0.002, "thermal_energy": 0.002, "hubbard": 0, "energy_b": 500.0}

    def ratio(gate: float) -> float:
        ds = junction.solve(
            level(0.0, 0.4, BiasedJunction, **values, gate=gate),
            "landauer",
            observables=["magnetoresistance"],
        )
        return float(ds.magnetoresistance.item())

    assert ratio(5.0) == pytest.approx(0.38095, rel=1e-3)
    assert ratio(0.0) == pytest.approx(0.4**2 / (1 - 0.4**2), rel=0.02)
    ds = junction.solve(level(0.0, 0.4, energy_b=0.3), "gksl", observables=["magnetoresistance"])
    assert ds.magnetoresistance.item() == pytest.approx(0.4**2 / (1 - 0.4**2), abs=1e-10)


def test_generators_without_exchange_field_say_so() -> None:

    def magnets(angle: float, U: float = 2.0) -> CustomJunction:
        S = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
        gamma = [0.05 * (np.eye(2) + 0.9 * np.einsum("k,kst->st", n, S)) for n in tilted(angle)]
        repulsion = [[0, 1, 0, 1, U], [1, 0, 1, 0, U]] if U else None
        return CustomJunction(
            one_body_matrix=-0.5 * np.eye(2),
            interaction_tensor=repulsion,
            lead_matrices=gamma,
            bias=2.0,
            thermal_energy=0.2,
        )

    def fits(model: CustomJunction, method: str) -> tuple[float, bool]:
        ds = junction.solve(model, method, observables=["current"])
        passed = ds.audit_passed.sel(check="exchange_field")
        return float(ds.current.sel(magnetisation="up").item()), bool(passed.item())

    across = magnets(np.pi / 2)
    expected = {
        "redfield": 0.01058,
        "perlind": 0.01058,
        "kms": 0.01058,
        "ule": 0.01195,
        "hierarchy": 0.01232,
    }
    for method, flow in expected.items():
        found, passed = fits(across, method)
        assert found == pytest.approx(flow, abs=6e-6)
        assert passed == (method in ("ule", "hierarchy"))
    assert fits(magnets(0.0), "redfield")[1]
    assert fits(magnets(np.pi / 2, U=0.0), "redfield")[1]


# charges


@pytest.mark.parametrize(
    ("values", "charges"),
    [
        ({}, 2),
        ({"lead_orbitals": [np.diag([0.1, 0.1, 0.1, 0.1])] * 2}, 2),
        ({"lead_directions": [[0, 1, 0], Z]}, 1),
        ({"lead_orbitals": ends(mixing=0.02)}, 1),
        ({"hund": 0.3}, 1),
        ({"hund": 0.3, "spin_orbit": 0.0}, 2),
        (
            {
                "interaction_tensor": [
                    [0, 3, 1, 2, 0.1],
                    [3, 0, 2, 1, 0.1],
                    [1, 2, 0, 3, 0.1],
                    [2, 1, 3, 0, 0.1],
                ]
            },
            1,
        ),
    ],
)
def test_sectors_are_those_of_what_is_conserved(values: dict[str, Any], charges: int) -> None:
    found = FlatMember.both(Junction(**values))[0].charges
    assert len(found) == charges
    if charges == 1:
        assert sum(size**2 for size in fock.sector_sizes(found)) == 12_870


# several leads


def test_a_floating_lead_is_a_voltage_probe_with_repulsion() -> None:
    W = [
        [[a, c], [c, b]] for a, b, c in ((0.1, 0.05, 0.03), (0.06, 0.12, -0.02), (0.03, 0.02, 0.01))
    ]
    values: dict[str, Any] = {
        "molecules": 1,
        "spin_orbit_vectors": [[0.1, 0.2, 0.3]],
        "energy_b": 0.1,
        "lead_names": ("left", "right", "tip"),
        "lead_orbitals": W,
        "lead_polarisations": (0.8, 0, 0),
        "lead_directions": ([1, 1, 1], Z, Z),
    }
    free = Junction(**values, hubbard=0, voltage_probes="tip")
    repelling = free.replace(hubbard_a=3, hubbard_b=1, hubbard_ab_singlet=2)
    for model in (free, repelling):
        state = GKSL().solve(model)
        assert np.abs(state.lead_current[:, 2]).max() < 1e-13
        assert state.lead_levels is not None
        assert ((state.lead_levels[:, 2] > 0) & (state.lead_levels[:, 2] < 1)).all()
    assert abs(polarisation(free)) < SAME
    assert (
        np.abs(GKSL().solve(free).lead_current - Landauer().solve(free).lead_current).max() < SAME
    )
    assert abs(polarisation(repelling)) > SEEN
    fixed = Junction(**values, hubbard=0, lead_occupations=[1, 0, 0.4])
    assert abs(polarisation(fixed)) > SEEN  # a third lead of its own occupation
    names = {"lead_potentials": (0.25, -0.25), "thermal_energy": 0.3}
    warm = BiasedJunction(**values, hubbard=0, voltage_probes="tip", **names)
    for method in (BiasedLandauer(), Redfield()):
        state = method.solve(warm)
        assert np.abs(state.lead_current[:, 2]).max() < 1e-13


def test_bands_become_wide() -> None:
    r"""The wide band is the limit t -> infinity, as 1/t; a level below the band is refused."""
    values: dict[str, Any] = {"molecules": 1, "hubbard": 0.2, "bias": 0.6, "thermal_energy": 0.1}
    for method in (BiasedLandauer(), BiasedMeanField()):
        wide = method.solve(BiasedJunction(**values)).lead_current
        gaps = [
            np.abs(
                method.solve(BiasedJunction(**values, lead_chain_hoppings=[t, t])).lead_current
                - wide
            ).max()
            for t in (40.0, 80.0)
        ]
        assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.05)
    with pytest.raises(ConvergenceError, match="bound state"):
        BiasedLandauer().solve(BiasedJunction(**values, gate=-1, lead_chain_hoppings=[0.2, 0.2]))


# any Hamiltonian


def test_hund_is_a_tensor_and_bases_do_not_matter() -> None:
    V = np.zeros((4,) * 4)
    for (a, b, c, d), v in (((0, 3, 2, 1), 0.5), ((0, 1, 2, 3), 0.5)):
        for p, q, r, s in {(a, b, c, d), (b, a, d, c), (c, d, a, b), (d, c, b, a)}:
            V[p, q, r, s] += v
    named = Junction(
        molecules=1, spin_orbit_vectors=[[0.1, 0.2, 0.3]], hund=0.5, hubbard_ab_triplet=3.5
    )
    typed = named.replace(hund=0, interaction_tensor=V, hubbard_ab_triplet=3.5)
    here, there = (GKSL().solve(m).lead_current for m in (named, typed))
    assert np.abs(here - there).max() < SAME
    rng = np.random.default_rng(3)
    A, B = (rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)) for _ in range(2))
    h, U = (A + A.conj().T) / 2, np.linalg.qr(B)[0]
    repulsion = V + np.einsum("ij,ik,jl->ijkl", 2 - 2 * np.eye(4), np.eye(4), np.eye(4))
    gamma = np.stack([np.diag([0.1, 0.05, 0.02, 0.03]), np.diag([0.03, 0.07, 0.1, 0.2])])
    one = CustomJunction(
        one_body_matrix=h,
        interaction_tensor=repulsion,
        lead_matrices=gamma,
        lead_occupations=[1, 0],
        reversed_leads="none",
    )
    other = one.replace(
        one_body_matrix=U @ h @ U.conj().T,
        interaction_tensor=np.einsum("ai,bj,ck,dl,ijkl->abcd", U, U, U.conj(), U.conj(), repulsion),
        lead_matrices=U @ gamma @ U.conj().T,
    )
    here, there = (junction.solve(m, "gksl").current.values for m in (one, other))
    assert np.abs(here - there).max() < SAME
    bare = junction.solve(other.replace(interaction_tensor=None), "gksl").current.values
    assert np.abs(bare - there).max() > SEEN


def test_site_repulsions_are_the_named_ones() -> None:
    named = Junction(intersite_repulsion=0.7, hubbard_a=3)
    V = np.kron(1 - np.eye(2), np.ones((2, 2))) * 0.7
    typed = Junction(site_repulsions=V, hubbard_a=3)
    here, there = (GKSL().solve(m).lead_current for m in (named, typed))
    assert np.abs(here - there).max() < SAME


def test_a_result_leads_back_to_its_model() -> None:
    model = AnyLeadsJunction(
        molecules=1,
        lead_orbitals=[np.diag([0.1, 0.05]), np.diag([0.05, 0.1])],
        lead_polarisations=[0.5, 0.2],
        lead_potentials=[0.3, -0.2],
    )
    ds = junction.solve(model, "redfield", observables=["current"])
    assert stored_model(ds, junction.FAMILY.problem("leads")) == model


# bad input

W1 = [np.diag([0.1, 0.1])] * 2
G1 = [np.eye(4) * 0.1] * 2
THREE: dict[str, Any] = {"lead_names": "left, right, tip", "lead_orbitals": [*W1, W1[0]]}
REFUSED: list[tuple[type, dict[str, Any], str]] = [
    (
        Junction,
        {"lead_orbitals": [[[0, 1], [0, 0]], W1[0]]},
        "lead_orbitals.*lead left is not Hermitian",
    ),
    (Junction, {"lead_orbitals": [W1[0], -W1[0]]}, "lead right is not positive"),
    (Junction, {"lead_matrices": [G1[0], 0 * G1[0]]}, "lead right is zero"),
    (Junction, {"lead_polarisations": [0.3, 1.2]}, "lead_polarisations.*1.2 for lead right"),
    (Junction, {"lead_directions": [Z, [0, 0, 0]]}, "lead_directions.*lead right"),
    (Junction, {"lead_directions": [Z, [0, 0, np.nan]]}, "lead_directions.*finite"),
    (Junction, {"lead_polarisations": [0.3]}, r"shape \(2\) for 2 leads"),
    (Junction, {"lead_names": "tip, tip"}, "lead_names"),
    (Junction, {"reversed_leads": "top"}, "reversed_leads.*left, right"),
    (Junction, {"voltage_probes": "left, right"}, "voltage_probes"),
    (
        Junction,
        {**THREE, "voltage_probes": "tip", "lead_occupations": [1, 0, 0]},
        "none for the voltage probes tip",
    ),
    (Junction, {"lead_orbitals": W1, "lead_matrices": G1}, "lead_matrices.*left out"),
    (Junction, {"lead_matrices": G1, "lead_directions": [Z, Z]}, "lead_directions.*left out"),
    (
        Junction,
        {"lead_polarisation": 0.5, "lead_polarisations": [0.5, 0]},
        "lead_polarisation`.*left out",
    ),
    (Junction, {"occupation_left": 0.9, "lead_occupations": [1, 0]}, "occupation_left"),
    (Junction, {"lead_occupations": [1, 2]}, "lead_occupations.*but is 2"),
    (Junction, {"lead_names": "left, right, tip"}, "lead_orbitals.*3 leads"),
    (Junction, {**THREE}, "lead_occupations.*3 values"),
    (Junction, {"interaction_tensor": [[0, 1, 0, 1, 1.0]]}, "V_abcd = V_badc"),
    (Junction, {"interaction_tensor": [[0, 1, 0, 1, 0, 1.0], [1, 0, 1, 0, 0, 1.0]]}, r"V_cdab\*"),
    (Junction, {"interaction_tensor": [[0, 4, 0, 4, 1.0]]}, "from 0 to 3"),
    (Junction, {"site_repulsions": [[0, 1], [0, 0]]}, "site_repulsions.*symmetric"),
    (BiasedJunction, {"bias": 1, "lead_potentials": [1, 0]}, "bias.*left out"),
    (
        BiasedJunction,
        {**THREE, "lead_potentials": [1, 0, 0], "internal_drop": 0.5},
        "internal_drop",
    ),
    (BiasedJunction, {"lead_thermal_energies": [0.1, -0.1]}, "lead_thermal_energies"),
    (BiasedJunction, {"lead_chain_hoppings": [1, -1]}, "lead_chain_hoppings"),
    (BiasedJunction, {"lead_occupations": [1, 0]}, "lead_occupations"),
    (
        AnyLeadsJunction,
        {"lead_occupations": [1, 0], "lead_potentials": [1, 0]},
        "lead_potentials.*left out",
    ),
]


@pytest.mark.parametrize(("kind", "values", "words"), REFUSED)
def test_bad_leads_are_one_line(kind: type, values: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelError, match=words) as told:
        kind(molecules=1, **values)
    assert "\n" not in str(told.value)


def test_methods_without_such_leads_say_which_have_them() -> None:
    tilt = {"lead_directions": tilted(0.5)}
    for method in (MixedGKSL(), Trajectories(), SelectedProducts()):
        with pytest.raises(ModelError, match="gksl"):
            method.solve(Junction(molecules=1, **tilt))
    with pytest.raises(ModelError, match="gksl"):
        Evolution().solve(SwitchedJunction(molecules=1, **tilt))
    for other in (UniversalLindblad(), DetailedBalance()):
        with pytest.raises(ModelError, match="landauer, mean-field and hierarchy have bands"):
            other.solve(BiasedJunction(molecules=1, lead_chain_hoppings=[1, 1]))
    with pytest.raises(ModelError, match="landauer, mean-field and hierarchy have bands"):
        SwitchedRedfield().solve(SwitchedBias(lead_chain_hoppings=[1, 1]))
    probe = AnyLeadsJunction(molecules=1, **THREE, lead_occupations=[1, 0], voltage_probes="tip")
    with pytest.raises(ModelError, match="gksl and landauer"):
        junction.solve(probe, "mean-field")
    with pytest.raises(ModelError, match="gksl, landauer and mean-field take occupations"):
        with_potentials(Redfield)().solve(probe)
