"""Laws of the spinterface family, each with a control that breaks it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chirospin import spinterface
from chirospin.spinterface import (
    NEGF,
    Contact,
    Exact,
    Gas,
    LesserOnly,
    Map,
    MatrixExponential,
    Metal,
    Pair,
    Spectral,
    Stability,
    WholeGas,
)
from chirospin.spinterface.algebra import matrix, partition, spin_parts
from chirospin.spinterface.contact import emission_of, places_of
from chirospin.spinterface.emission import LevelEmission
from chirospin.spinterface.green import components, green_function, local_function
from chirospin.spinterface.model import drive_of, level_of, metal_of
from chirospin.spinterface.pair import generator, motion_of
from chirospin.spinterface.response import (
    DECAY,
    energy_of,
    equilibrium_response,
    real_axis,
    respond,
)
from chirospin.spinterface.stability import MeanField as StabilityMeanField
from chirospin.spinterface.stability import _with_exchange, local_spin, request_of
from tests.laws.spinterfaces import contacts, number, pairs, vector

EXACT = 1e-12  # rounding of sums of a few hundred terms
SPECTRAL = 1e-9  # of two different integrals over energy
DIMENSIONS = (1, 2, 3)
MAGNET = [0.02, 0.05, -0.03]
FULL, LESSER = NEGF(), LesserOnly()


def spin(state: Any) -> Any:
    return state.total.vector


def size(state: Any) -> float:
    return float(np.abs(state.total.scalar).max() + np.abs(state.total.vector).max())


def apart(a: Any, b: Any) -> float:
    return float(np.abs(a - b).max() / max(np.abs(a).max(), np.abs(b).max(), 1e-300))


def numbers(draw_seed: int, *shape: int) -> Any:
    rng = np.random.default_rng(draw_seed)
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


@given(seed=st.integers(0, 2**32))
def test_partition_is_the_product_of_matrices(seed: int):
    g0, g1, h0, h1 = numbers(seed, 4)
    S, u, v = numbers(seed + 1, 4), numbers(seed + 2, 3).real, numbers(seed + 3, 3).real
    parts = partition(g0 * h0 * S, g0 * h1 * S, g1 * h0 * S, g1 * h1 * S, u, v)
    product = matrix(g0, g1 * u) @ matrix(S[0], S[1:]) @ matrix(h0, h1 * v)
    assert parts.scalar == pytest.approx(spin_parts(product)[0], rel=1e-12)
    assert parts.vector == pytest.approx(spin_parts(product)[1:], abs=1e-12)
    assert apart(parts.mol + parts.sub, spin_parts(product)[1:]) > 1e-6  # control: without mix


@pytest.mark.parametrize("d", DIMENSIONS)
@given(
    alpha=number(-0.3, 0.3),
    r=number(0.05, 8),
    energy=number(-6, 3),
    width=st.sampled_from([0.0, 0.1, 2.0]),
)
def test_green_function_is_even_and_odd_in_the_coupling(
    d: int, alpha: float, r: float, energy: float, width: float
):
    z = energy + 1j * width
    one, other = (Metal(N0=9.0, alpha=s * alpha, fermi=4.0, d=d) for s in (1, -1))
    assume(abs(energy - one.bottom) > 1e-6)
    a0, a1, _ = green_function(one, r, z)
    b0, b1, _ = green_function(other, r, z)
    assert abs(a0 - b0) <= 1e-12 * abs(a0)
    assert abs(a1 + b1) <= 1e-11 * abs(a0)


@pytest.mark.parametrize("d", DIMENSIONS)
@given(alpha=number(0.05, 0.2), r=number(0.2, 6), energy=number(-3, 3))
def test_radial_flux_does_not_depend_on_distance(d: int, alpha: float, r: float, energy: float):
    """Charge that leaves per energy: the sphere's area times the flow is -4 Im g_loc."""
    metal = Metal(N0=5.0, alpha=alpha, fermi=4.0, d=d)
    kappa = metal.kappa(np.array(energy))
    g0, g1, s0, s1 = components(metal, np.array(r), kappa, slopes=True)
    flow = 2 / metal.N0 * (np.conj(g0) * s0 + np.conj(g1) * s1).imag
    flow = flow + 4 * alpha * (np.conj(g0) * g1).real
    area = {1: 2.0, 2: 2 * np.pi * r, 3: 4 * np.pi * r**2}[d]
    source = -4 * local_function(metal, energy).imag
    assert area * flow == pytest.approx(source, rel=1e-10)
    without = 2 / metal.N0 * (np.conj(g0) * s0 + np.conj(g1) * s1).imag
    if d > 1:  # control: without the anomalous velocity, which a gauge removes in one dimension
        assert abs(area * without - source) > 1e-7 * source


@pytest.mark.parametrize("d", DIMENSIONS)
@given(model=contacts(hybridisation_vector=[0, 0, 0]))
def test_no_spin_in_equilibrium_without_a_magnet(d: int, model: Contact):
    direction = {1: [0, 0, 1], 2: [0.6, 0.8, 0], 3: model.direction}[d]
    still = model.replace(
        dimension=d,
        direction=direction,
        lead_potential=0.0,
        level_splitting=[0, 0, 0],
        lead_polarisation=[0, 0, 0],
        hybridisation_vector=[0.01j, -0.02j, 0.03j],
    )
    state = FULL.solve(still)
    assert np.abs(spin(state)).max() < EXACT * np.abs(state.total.scalar).max()
    assert np.abs(state.total.scalar).max() > 0
    field = still.replace(hybridisation_vector=[0.01, -0.02, 0.03])  # control: breaks time reversal
    assert np.abs(spin(FULL.solve(field))).max() > 1e-6 * size(state)


@given(model=contacts(lead_potential=0.0))
def test_lesser_term_breaks_time_reversal_and_says_so(model: Contact):
    still = model.replace(level_splitting=[0, 0, 0], lead_polarisation=[0, 0, 0])
    ds = spinterface.solve(still, LESSER)
    passed = ds.audit_passed.sel(check="time_reversal")
    assert not passed.item()
    assert np.abs(ds.spin_density).max() > 1e-6 * np.abs(ds.charge_density).max()
    full = spinterface.solve(still)  # control
    assert full.audit_passed.sel(check="time_reversal").item()


@given(model=contacts(lead_potential=0.0))
def test_time_reversed_molecule_makes_the_opposite_spin(model: Contact):
    other = model.replace(
        level_splitting=-np.array(model.level_splitting),
        lead_polarisation=-np.array(model.lead_polarisation),
        hybridisation_vector=-np.conj(model.hybridisation_vector),
    )
    one, two = FULL.solve(model), FULL.solve(other)
    assert np.abs(spin(one) + spin(two)).max() < EXACT * size(one)
    driven = [FULL.solve(m.replace(lead_potential=0.2)) for m in (model, other)]
    assert np.abs(spin(driven[0]) + spin(driven[1])).max() > 1e-7 * size(driven[0])  # control


@pytest.mark.parametrize("method", [FULL, LESSER], ids=lambda m: m.name)
@given(model=contacts(), turn=vector(2.0))
def test_spin_turns_with_everything(method: Any, model: Contact, turn: list[float]):
    """Place, fields and hybridisation turned together turn the spin; the charge stays."""
    from scipy.spatial.transform import Rotation

    R = Rotation.from_rotvec(turn).as_matrix()
    names = ("direction", "level_splitting", "lead_polarisation", "hybridisation_vector")
    turned = model.replace(**{n: R @ np.array(getattr(model, n)) for n in names})
    one, two = method.solve(model), method.solve(turned)
    assert np.abs(spin(one) @ R.T - spin(two)).max() < 1e-11 * size(one)
    assert np.abs(one.total.scalar - two.total.scalar).max() < 1e-11 * size(one)


@given(model=contacts(level_splitting=MAGNET))
def test_coupling_reversed_keeps_mol_and_turns_sub(model: Contact):
    one, two = (LESSER.solve(model.replace(spin_orbit=s * 0.05)) for s in (1, -1))
    assert apart(one.total.mol, two.total.mol) < EXACT
    assert apart(one.total.sub, -two.total.sub) < EXACT
    assert apart(one.total.mix, two.total.mix) > 1e-6  # control: mix has both parities


@given(model=contacts())
def test_driven_spin_is_at_most_half_of_the_charge(model: Contact):
    state = FULL.solve(model.replace(lead_potential=0.2))
    half = np.abs(state.driven.scalar)
    assert (np.linalg.norm(state.driven.vector, axis=-1) <= half * (1 + 1e-9)).all()


@given(model=contacts(level_splitting=[0, 0, 0], lead_polarisation=[0, 0, 0], thermal_energy=0.0))
def test_unpolarised_drive_polarises_radially(model: Contact):
    """2 s/n tends to -2 a kappa/(a^2 + kappa^2) at small bias, along the ray."""
    model = model.replace(
        lead_potential=1e-7, hybridisation_vector=[0, 0, 0], distance=[200.0, 400.0]
    )
    state, metal = FULL.solve(model), emission_of(model)[0]
    a, k = metal.a, metal.fermi_momentum
    polarisation = state.driven.vector / state.driven.scalar[:, None]
    x = 2 * a * np.array(model.distance)
    expected = -2 * a * k / (a**2 + k**2)
    unit = np.array(model.direction) / np.linalg.norm(model.direction)
    for one, turn in zip(polarisation, x, strict=True):
        assert one @ unit == pytest.approx(expected, abs=2 * abs(expected) / abs(turn) + 1e-9)
        assert np.abs(one - (one @ unit) * unit).max() < 1e-11


@given(model=contacts(dimension=1, direction=[0, 0, 1]))
def test_in_one_dimension_the_coupling_is_a_rotation(model: Contact):
    """Metal spins turn by 2 a r about the wire: a gauge, once the energies are counted from the bottom."""
    metal = emission_of(model)[0]
    shift = metal.alpha * metal.a / 2
    free = model.replace(spin_orbit=0.0, fermi_energy=model.fermi_energy + shift)
    one, two = FULL.solve(model), FULL.solve(free)
    assert np.abs(one.total.sub).max() < EXACT * size(one)
    for r, turned, plain in zip(model.distance or (), spin(one), spin(two), strict=True):
        c, s = np.cos(2 * metal.a * r), np.sin(2 * metal.a * r)
        R = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        assert np.abs(turned - R @ plain).max() < 1e-11 * size(two)
    control = model.replace(dimension=3)
    assert np.abs(LESSER.solve(control).total.sub).max() > 1e-6 * size(LESSER.solve(control))


@given(model=contacts(spin_orbit=0.0, level_splitting=MAGNET))
def test_without_coupling_nothing_comes_from_the_metal(model: Contact):
    state = LESSER.solve(model)
    assert np.abs(state.total.sub).max() == 0
    assert np.abs(state.total.mix).max() == 0
    assert np.abs(state.total.mol).max() > 0


@given(seed=st.integers(0, 2**32))
def test_angular_averages(seed: int):
    """Over all directions sub averages to zero and mix to -|g1|^2 Sigma_1/3."""
    x, w = np.polynomial.legendre.leggauss(4)
    turn = np.arange(6) * np.pi / 3
    rim = np.sqrt(1 - x**2)[:, None]
    u = np.stack([rim * np.cos(turn), rim * np.sin(turn), x[:, None] + 0 * turn], axis=-1)
    g0, g1 = numbers(seed, 2)
    S = np.broadcast_to(numbers(seed + 1, 4), (4, 6, 4))
    h0, h1 = np.conj([g0, g1])
    parts = partition(g0 * h0 * S, g0 * h1 * S, g1 * h0 * S, g1 * h1 * S, u, u)
    mean = np.repeat(w[:, None] / 12, 6, axis=1)[..., None]
    assert (mean * parts.sub).sum(axis=(0, 1)) == pytest.approx(np.zeros(3), abs=1e-13)
    mix = (mean * parts.mix).sum(axis=(0, 1))
    assert mix == pytest.approx(-(abs(g1) ** 2) * S[0, 0, 1:] / 3, abs=1e-13)
    assert np.abs(parts.sub).max() > 1e-3  # control: not in a single direction


@given(model=contacts(thermal_energy=0.05))
def test_matsubara_sum_is_the_integral_over_real_energies(model: Contact):
    metal, emission, drive = emission_of(model)
    places = places_of(model)
    found, _ = equilibrium_response(metal, emission, drive.thermal_energy, places, flow=True)
    low, high = -DECAY / places.distance.min(), 40 * np.sqrt(metal.N0 * drive.thermal_energy) + 40
    q, w = real_axis(metal, emission.singular(), low, high, (), longest=0.5)
    energy, kappa = energy_of(metal, q)
    f = np.exp(-np.logaddexp(0.0, energy / drive.thermal_energy))
    T = emission.transfer(energy + 0j, kappa) * (1j / np.pi * w * f)[:, None, None, None]
    direct = respond(metal, places, kappa, T, advanced=False, flow=True).real
    scale = np.abs(direct.density.scalar) + np.abs(direct.density.vector).max(axis=-1)
    assert (np.abs(found.density.scalar - direct.density.scalar) < 1e-7 * scale.max()).all()
    assert np.abs(found.density.vector - direct.density.vector).max() < 1e-7 * scale.max()


@given(model=contacts(thermal_energy=0.03, lead_potential=0.2))
def test_both_splittings_of_the_full_answer_agree(model: Contact):
    """s_eq + s_neq is the lesser term and the two terms with the metal's own occupation."""
    metal, emission, drive = emission_of(model)
    places = places_of(model)
    low, high = -DECAY / places.distance.min(), 40 * np.sqrt(metal.N0 * 0.05) + 40
    q, w = real_axis(metal, emission.singular(), low, high, (), longest=0.5)
    energy, kappa = energy_of(metal, q)
    f = np.exp(-np.logaddexp(0.0, energy / drive.thermal_energy))
    weight = (w / (2j * np.pi))[:, None, None, None]
    lesser = emission.lesser(energy, kappa) * weight
    Tr = emission.transfer(energy + 0j, kappa)
    anti = Tr - np.conj(Tr)
    homogeneous = respond(
        metal, places, kappa, -Tr * f[:, None, None, None] * weight, advanced=False, flow=False
    ).density
    crossed = respond(
        metal, places, kappa, anti * f[:, None, None, None] * weight, advanced=True, flow=False
    ).density
    total = (
        respond(metal, places, kappa, lesser, advanced=True, flow=False).density.real.vector
        + 2 * homogeneous.vector.real
        + crossed.vector.real
    )
    state = FULL.solve(model)
    assert np.abs(total - spin(state)).max() < 1e-7 * size(state)
    assert apart(spin(LESSER.solve(model)), spin(state)) > 1e-4  # control: the lesser term alone


@given(model=contacts(level_splitting=MAGNET))
def test_a_map_of_two_contacts_far_apart_is_the_sum_of_two(model: Contact):
    """Equal contacts of independent levels 60 nm apart hardly see each other."""
    level = {
        n: getattr(model, n)
        for n in ("mass", "spin_orbit", "fermi_energy", "level", "level_splitting", "hybridisation")
    }
    one = Map(**level, thermal_energy=0.1, x=[0.7], y=[0.2], z=[0.3])
    many = one.replace(
        contacts=[[0, 0, 0], [60.0, 0, 0]],
        hybridisation_matrix=np.array([[1, 0], [0, 1], [0, 0], [0, 0]]) * model.hybridisation,
    )
    a, b = (spinterface.solve(m).spin_density.values for m in (one, many))
    assert np.abs(a - b).max() < 1e-9 * np.abs(a).max()


def test_enantiomers_of_two_contacts_differ_in_their_driven_spin():
    """Two contacts of different hybridisation are not their own mirror image once the metal is chiral."""
    V = np.array([[0.05, 0.02j], [0.02j, 0.05], [0.03, 0.01], [-0.01, 0.03]])
    model = Map(
        contacts=[[0, 0, 0], [0.4, 0, 0]],
        hybridisation_matrix=V,
        level_splitting=[0, 0, 0],
        lead_potential=0.2,
        x=[1.0],
        y=[0.5],
        z=[0.4],
    )
    one, other = (
        spinterface.solve(m).spin_density.values.ravel()
        for m in (model, model.replace(spin_orbit=-model.spin_orbit))
    )
    assert np.abs(one + other).max() > 1e-3 * np.abs(one).max()
    still = spinterface.solve(
        model.replace(
            lead_potential=0.0, hybridisation_matrix=np.abs(V) * np.array([[1, 0], [0, 1]] * 2)
        )
    )
    ratio = np.abs(still.spin_density).max() / np.abs(still.charge_density).max()
    assert float(ratio) < EXACT  # control: real V that keeps the spin, no bias


gases = st.builds(
    Gas,
    band_energy=number(-1, 1),
    spin_splitting=vector(0.5),
    repulsion=number(-0.3, 1),
    thermal_energy=st.sampled_from([0.0, 1e-4, 0.01, 0.1, 3.0]),
)


@given(model=gases)
def test_probabilities_and_polarisation_of_the_gas(model: Gas):
    state = Exact().solve(model)
    eps1 = np.array(model.spin_splitting)
    assert state.weights.sum() == pytest.approx(1, abs=1e-14)
    assert (state.weights >= 0).all()
    assert state.polarisation @ eps1 <= 1e-15
    assert np.linalg.norm(np.cross(state.polarisation, eps1)) < 1e-14
    assert np.linalg.norm(state.polarisation) <= state.weights[1:3].sum() + 1e-14
    e0, U = model.band_energy, model.repulsion
    partner = Exact().solve(model.replace(band_energy=-e0 - 4 * U))
    assert partner.weights == pytest.approx(state.weights[[3, 1, 2, 0]], abs=1e-10)
    assert partner.polarisation == pytest.approx(state.polarisation, abs=1e-10)


@given(model=gases.filter(lambda m: m.thermal_energy > 1e-3))
def test_gas_agrees_with_fermion_matrices(model: Gas):
    up, down = (np.zeros((4, 4)) for _ in range(2))  # empty, up, down, double
    up[0, 1] = up[2, 3] = down[0, 2] = 1
    down[1, 3] = -1
    n = up.T @ up + down.T @ down
    e1 = np.array(model.spin_splitting)
    sigma = [
        up.T @ down + down.T @ up,
        -1j * (up.T @ down) + 1j * (down.T @ up),
        up.T @ up - down.T @ down,
    ]
    H = model.band_energy * n + sum(e * s for e, s in zip(e1, sigma, strict=True))
    H = H + model.repulsion * n @ n
    E, W = np.linalg.eigh(H)
    p = np.exp(-(E - E.min()) / model.thermal_energy)
    rho = (W * p / p.sum()) @ W.conj().T
    found = [np.trace(rho @ s).real for s in sigma]
    ds = spinterface.solve(model)
    assert ds.spin_polarisation.values == pytest.approx(found, abs=1e-12)
    assert ds.occupation.values == pytest.approx(np.diag(rho).real, abs=1e-12)
    printed = H + model.repulsion * (n @ n - n)  # control: twice the double repulsion
    assert model.repulsion == 0 or not np.allclose(np.linalg.eigvalsh(printed), E)


@given(e0=number(-0.5, 0.5), e1=vector(0.3), kT=number(0.01, 0.2))
def test_gas_without_repulsion_is_a_fermi_gas(e0: float, e1: list[float], kT: float):
    ds = spinterface.solve(Gas(band_energy=e0, spin_splitting=e1, repulsion=0.0, thermal_energy=kT))
    e = np.linalg.norm(e1)
    fermi = [1 / (1 + np.exp((e0 + s * e) / kT)) for s in (1, -1)]
    electrons = ds.occupation.values @ [0, 1, 1, 2]
    assert electrons == pytest.approx(sum(fermi), abs=1e-13)
    length = np.linalg.norm(ds.spin_polarisation)
    assert length == pytest.approx(fermi[1] - fermi[0], abs=1e-13)


@given(model=gases.filter(lambda m: m.thermal_energy > 1e-3))
def test_susceptibility_is_the_derivative_of_the_polarisation(model: Gas):
    """Averaged over directions: one longitudinal and two transverse derivatives."""
    e = float(np.linalg.norm(model.spin_splitting))
    assume(e > 0.02)
    h = 2e-4 * min(1.0, model.thermal_energy / 0.1)

    def response(axis: list[float]) -> float:
        ends = [
            Exact().solve(
                model.replace(spin_splitting=np.array([0, 0, e]) - s * h * np.array(axis))
            )
            for s in (1, -1)
        ]
        return float((ends[0].polarisation - ends[1].polarisation) @ axis) / (2 * h)

    mean = (2 * response([1, 0, 0]) + response([0, 0, 1])) / 3
    found = Exact().solve(model).susceptibility.sum()
    assert found == pytest.approx(mean, rel=1e-3, abs=1e-9)


@given(mass=number(3, 20), alpha=number(0.01, 0.2), fermi=number(0.3, 6))
def test_whole_gas_is_the_sum_over_wavevectors(mass: float, alpha: float, fermi: float):
    """At a temperature, against a plain sum over |k| of the single-wavevector response."""
    kT = 0.05
    gas = WholeGas(mass=mass, spin_orbit=alpha, fermi_energy=fermi, thermal_energy=kT)
    ds = spinterface.solve(gas)
    k, w = np.polynomial.legendre.leggauss(600)
    top = np.sqrt(2 * mass * (fermi + 40 * kT)) + 3 * alpha * mass
    k, w = top / 2 * (k + 1), top / 2 * w
    e0, e1 = k**2 / (2 * mass) - fermi, alpha * k
    f = [1 / (1 + np.exp(np.clip((e0 + s * e1) / kT, -500, 500))) for s in (1, -1)]
    F = f[1] - f[0]
    slope = sum(x * (1 - x) for x in f) / kT
    shell = w * k**2 / (2 * np.pi**2)
    assert float(ds.density) == pytest.approx(shell @ (f[0] + f[1]), rel=1e-9)
    assert float(ds.susceptibility) == pytest.approx(shell @ (2 / 3 * F / e1 + slope / 3), rel=1e-9)


@given(model=pairs())
def test_pair_by_projectors_and_by_exponential(model: Pair):
    one, two = Spectral().solve(model), MatrixExponential().solve(model)
    assert apart(one.moments, two.moments) < 1e-11
    A = generator(motion_of(model))
    assert np.sort_complex(np.linalg.eigvals(A)) == pytest.approx(
        np.sort_complex(one.frequency), abs=1e-6
    )
    assert np.abs(one.frequency.imag).max() == 0


@given(model=pairs(), first=number(0.1, 5), second=number(0.1, 5))
def test_propagation_composes(model: Pair, first: float, second: float):
    whole = Spectral().solve(model.replace(time=[first + second])).moments[0]
    half = Spectral().solve(model.replace(time=[first])).moments[0]
    again = Spectral().solve(model.replace(initial=half, time=[second])).moments[0]
    assert again == pytest.approx(whole, abs=1e-12)


@given(model=pairs(source=[0, 0, 0, 0]))
def test_free_motion_conserves_the_norm(model: Pair):
    def norm(moments: Any) -> Any:
        return np.abs(moments[:, 0]) ** 2 / 4 + (np.abs(moments[:, 1:]) ** 2).sum(axis=1)

    kept = norm(Spectral().solve(model).moments)
    assert kept == pytest.approx(kept[0], rel=1e-12)
    lossy = model.replace(band_energy=np.array(model.band_energy) - 0.05j)  # control
    assert norm(MatrixExponential().solve(lossy).moments)[-1] < 0.9 * kept[-1] + 1e-12


@given(model=pairs(spin_splitting=[[0, 0, 0], [0, 0, 0]]))
def test_without_coupling_charge_and_spin_move_apart(model: Pair):
    charge_only = model.replace(initial=[1, 0, 0, 0], source=[1, 0, 0, 0])
    assert np.abs(Spectral().solve(charge_only).moments[:, 1:]).max() == 0
    coupled = charge_only.replace(spin_splitting=[[0, 0, 0.2], [0, 0, -0.1]])  # control
    assert np.abs(Spectral().solve(coupled).moments[:, 1:]).max() > 1e-3


@given(model=pairs())
def test_exchanging_the_wavevectors_conjugates(model: Pair):
    y = np.array(model.initial)
    partner = model.replace(
        band_energy=model.band_energy[::-1],
        spin_splitting=model.spin_splitting[::-1],
        initial=y.conj(),
    )
    one, two = Spectral().solve(model).moments, Spectral().solve(partner).moments
    assert apart(one, two.conj()) < 1e-12


@given(model=pairs(), loss=number(0.05, 0.3))
def test_a_lossy_pair_reaches_its_stationary_state(model: Pair, loss: float):
    lossy = model.replace(
        band_energy=np.array(model.band_energy) - 1j * loss, time=[0.0, 60 / loss]
    )
    state = MatrixExponential().solve(lossy)
    scale = np.abs(state.stationary).max() + 1e-9
    assert np.abs(state.moments[-1] - state.stationary).max() < 1e-8 * scale + 1e-10
    assert np.isnan(
        MatrixExponential().solve(model).stationary
    ).all()  # control: no loss, no stationary state


@given(
    level=number(-0.4, 0.4),
    coupling=number(0.02, 0.2),
    kT=st.sampled_from([0.0, 0.005, 0.026]),
    alpha=number(0.0, 0.1),
)
def test_a_tiny_moment_needs_the_critical_repulsion(
    level: float, coupling: float, kT: float, alpha: float
):
    model = Stability(
        level=level,
        lead_coupling=coupling,
        thermal_energy=kT,
        spin_orbit=alpha,
        moment=1e-5,
        largest_repulsion=1e4,
    )
    ds = spinterface.solve(model)
    assert float(ds.repulsion) == pytest.approx(float(ds.critical_repulsion), rel=1e-6)
    assert ds.local_susceptibility.values == pytest.approx(
        float(ds.local_susceptibility[0]), rel=1e-12
    )
    tilted = spinterface.solve(model.replace(hybridisation_vector=[0.05, 0, 0]))  # control
    chi = tilted.local_susceptibility.values
    assert abs(chi[0] - chi[2]) > 1e-6 * chi[2]


@pytest.mark.parametrize("level", [-0.1, -0.3, 1.0])
def test_the_held_moment_is_where_plain_iteration_ends(level: float) -> None:
    """s = s(U s) from above; where the moment jumps the wanted one is left to either side."""
    model = Stability(level=level, moment=0.1, largest_repulsion=40.0)
    state = StabilityMeanField().solve(model)
    want = request_of(model)
    U = state.exchange / want.spin
    emission = LevelEmission(metal=metal_of(model), level=level_of(model), drive=drive_of(model))

    def iterated(s: float, U: float) -> float:
        for _ in range(400):
            s = float(local_spin(_with_exchange(emission, want.axis, U * s)) @ want.axis)
        return s

    assert state.held == pytest.approx(iterated(0.5, U), abs=1e-4)
    assert state.held > 2 * want.spin
    assert (
        iterated(0.98 * want.spin, U)
        < 0.98 * want.spin
        < 1.02 * want.spin
        < iterated(1.02 * want.spin, U)
    )
    assert iterated(0.5, 1.01 * state.least_repulsion) > want.spin
    assert iterated(0.5, 0.99 * state.least_repulsion) < 0.1 * want.spin
    steady = StabilityMeanField().solve(model.replace(moment=0.9))
    assert steady.held == pytest.approx(0.45, abs=1e-6)
