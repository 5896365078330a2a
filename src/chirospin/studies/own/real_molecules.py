"""Stacks of real molecules: how far from a model's assumptions, and what polarisation is left.

Stacks of two, a quarter turn, each a file in ``molecules/`` that ``chirospin solve molecule.stack`` wrote; its command
is in the file (:func:`command`). The five that ship as structures are computed again. Coordinates of the others are
SMILES relaxed in a force field. The assumptions are those of nozaki_fujita_2026, in units of t, the larger of t_aa
and t_bb: t_bb = 0.2 t, t_ab = 0, levels 0.8 t apart, U = 4 t, Lambda = 0.03 t, coupling 0.1 t, and a left lead that is
fully polarised at infinite bias.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import xarray as xr

from chirospin import junction, molecule
from chirospin.base import results
from chirospin.base.figures import Panel, Plot
from chirospin.base.stored import stored_model
from chirospin.junction import BiasedJunction, Junction, UniversalLindblad
from chirospin.studies.expectation import above, below, near
from chirospin.studies.registry import Numbers, Parts, Progress, claim, figure

SHIPPED = {"H2CO": "h2co", "H2CS": "h2cs", "H2CSe": "h2cse", "H2S2": "h2s2", "H2O2": "h2o2"}
OTHERS = {
    "thiophene": "thiophene",
    "1,2-dithiine": "dithiine",
    "thiobenzaldehyde": "thiobenzaldehyde",
}
STACKS = {**SHIPPED, **OTHERS}
"""Names and files, without their ending."""
PAPER = Junction()
POLARISATIONS = (1.0, 0.9, 0.4)
"""Of the left lead: the paper's, a half-metal, a ferromagnet."""
FERROMAGNET = 0.4
ROOM = 300.0  # K
BIAS = 1.0  # V
WEAK = 0.002  # of t: below the thermal energy, as the master equation asks
NEAREST = "H2CS"
SAME = 1e-5
"""eV: two self-consistent fields, each good to 1e-6 hartree of the orbital gradient."""
NOTHING = 1e-5
"""Of P: below the polarisation that mc-AFM and transport experiments can tell from zero, 1e-3, by far."""


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What the model asks of a stack, eV."""

    t: float
    t_aa: float
    t_bb: float
    t_ab: float
    spin_orbit: float
    gap: float
    repulsion: float
    hund: float


def parameters(ds: xr.Dataset) -> Parameters:
    """The parameters of a stack, sizes of hopping and of U_a - V."""
    t = np.abs(ds["hopping"].values[0])
    levels = ds["energies"].values[0]
    return Parameters(
        t=float(max(t[0, 0], t[1, 1])),
        t_aa=float(t[0, 0]),
        t_bb=float(t[1, 1]),
        t_ab=float(max(t[0, 1], t[1, 0])),
        spin_orbit=float(ds["spin_orbit"]),
        gap=float(abs(levels[1] - levels[0])),
        repulsion=float(ds["hubbard_a"] - ds["intersite_repulsion"]),
        hund=float(ds["hund"]),
    )


def stored(name: str) -> xr.Dataset:
    """The stack of a name, from its file."""
    with as_file(files("chirospin.studies.own") / "molecules" / f"{STACKS[name]}.nc") as path:
        return results.load(path)


def stack_model(ds: xr.Dataset) -> molecule.MoleculeStack:
    """What was asked when a file was written."""
    model = stored_model(ds, molecule.STACK)
    assert isinstance(model, molecule.MoleculeStack)
    return model


def command(ds: xr.Dataset) -> str:
    """The command that writes the file of a stack."""
    given = stack_model(ds).model_dump(exclude_defaults=True)
    structure = {"structure": str(ds.attrs["parameter_structure"])}
    words = ["chirospin", "solve", "molecule.stack"]
    for key, value in {**structure, **given}.items():
        text = f"{10 * value:g} angstrom" if key == "rise" else value
        words += ["--set", f"{key}={text}"]
    return shlex.join([*words, "--out", "stack.nc"])


def resonance(ds: xr.Dataset) -> float:
    """Energy that takes an electron from a neutral stack's filled pair, or puts one into its empty pair, eV."""
    filled = float(ds["neutral_filling"]) > 0
    shift = [
        float(ds[f"hubbard_{n}"] + ds["hubbard_ab_singlet"] + ds["hubbard_ab_triplet"])
        for n in "ab"
    ]
    h = ds["one_body"].values.copy()
    M = len(h)
    for i in range(M):
        h[i, :, i] = np.diag(ds["energies"].values[i] + np.array(shift) * filled)
    levels = np.linalg.eigvalsh(h.reshape(2 * M, 2 * M))
    return float(levels[-1] if filled else levels[0])


@figure(
    "Stacks that ship, computed again: sizes of the hopping and of the spin-orbit vector",
    plot=Plot(
        panels=(
            Panel(
                source="computed", x="stack", y="size", by="quantity", y_scale="log", legend=True,
                y_label=r"$t$, $\Lambda$ (eV)", x_label="stack of two",
            ),
        )
    ),
    setting="two molecules, a quarter turn, b3lyp, def2-svp",
    quick={"names": ("H2CO",), "screening": "none"},
)  # fmt: skip
def computed(
    workers: int,
    progress: Progress,
    names: Sequence[str] = tuple(SHIPPED),
    screening: str = "dscf",
) -> dict[str, xr.Dataset]:
    """The small stacks, from their coordinates."""
    found = {}
    for n, name in enumerate(names):
        found[name] = molecule.solve(stack_model(stored(name)).replace(screening=screening))
        progress(n + 1, len(names))
    sizes = [
        [one.t_aa, one.t_bb, one.t_ab, one.spin_orbit] for one in map(parameters, found.values())
    ]
    size = (("quantity", "stack"), np.array(sizes).T, {"units": "eV"})
    quantities = ["t_aa", "t_bb", "t_ab", "Λ"]
    ds = xr.Dataset({"size": size}, {"stack": list(names), "quantity": quantities})
    return {"computed": ds}


@claim(
    "files",
    "the files hold what the coordinates give",
    below("largest difference of hopping and Lambda (eV)", SAME),
    source="self",
)
def files_hold(computed: Parts) -> Numbers:
    found = computed["computed"]["size"]
    off = []
    for name in found["stack"].values:
        one = parameters(stored(str(name)))
        kept = [one.t_aa, one.t_bb, one.t_ab, one.spin_orbit]
        off.append(np.abs(found.sel(stack=name).values - kept).max())
    return off


def _over_the_papers(parameters: Parameters) -> list[float]:
    """Each parameter in units of t over the paper's."""
    paper = PAPER.hopping_b, PAPER.spin_orbit, PAPER.energy_b, PAPER.hubbard_a
    t_bb = min(parameters.t_aa, parameters.t_bb)
    own = t_bb, parameters.spin_orbit, parameters.gap, parameters.repulsion
    return [x / parameters.t / y for x, y in zip(own, paper, strict=True)]


@figure(
    "Parameters over those of the model, and the polarisation at infinite bias, by polarisation of the lead",
    plot=Plot(
        panels=(
            Panel(
                source="ratios", x="stack", y="ratio", by="quantity", y_scale="log", legend=True,
                x_label="stack of two", y_label="parameter over that of the model",
            ),
            Panel(
                source="polarisation", x="stack", y="size", by="lead_polarisation", y_scale="log",
                by_label="p", legend=True, x_label="stack of two", y_label=r"$|P_\mathrm{MR}|$",
            ),
        )
    ),
    setting="coupling 0.1 t; a value within its error is left out of the panel",
)  # fmt: skip
def distance(
    workers: int, progress: Progress, names: Sequence[str] = tuple(STACKS)
) -> dict[str, xr.Dataset]:
    """All stacks beside the model."""
    ratios, polarisation = [], []
    for n, name in enumerate(names):
        ds = stored(name)
        one = parameters(ds)
        ratios.append(_over_the_papers(one))
        made = Junction.from_result(ds, coupling=PAPER.coupling_a * one.t)
        solved = junction.solve(
            made,
            over={"lead_polarisation": POLARISATIONS},
            observables=["spin_polarisation"],
            workers=workers,
        )
        polarisation.append(results.settled(solved)["spin_polarisation"].values)
        progress(n + 1, len(names))
    P = np.array(polarisation)
    stacks = list(names)
    quantities = ["t_bb", "Λ", "levels", "U - V"]
    return {
        "ratios": xr.Dataset(
            {"ratio": (("quantity", "stack"), np.array(ratios).T, {"units": "1"})},
            {"stack": stacks, "quantity": quantities},
        ),
        "polarisation": xr.Dataset(
            {
                "spin_polarisation": (("stack", "lead_polarisation"), P, {"units": "1"}),
                "size": (
                    ("stack", "lead_polarisation"),
                    np.where(P == 0, np.nan, np.abs(P)),
                    {"units": "1"},
                ),
            },
            {"stack": stacks, "lead_polarisation": list(POLARISATIONS)},
        ),
    }


@claim(
    "distance",
    "no stack has the model's repulsion: U - V is larger, over t, in vacuum",
    above("smallest U - V over the model's", 1.5),
    source="self",
)
def larger_repulsion(distance: Parts) -> Numbers:
    return float(distance["ratios"]["ratio"].sel(quantity="U - V").min())


@claim(
    "a real ferromagnet",
    "infinite bias: with p = 0.4 nothing is left that an experiment sees",
    below("largest |P|, every stack", NOTHING),
    source="self",
)
def ferromagnet(distance: Parts) -> Numbers:
    P = distance["polarisation"]["spin_polarisation"]
    return float(np.abs(P.sel(lead_polarisation=FERROMAGNET)).max())


STEPS: Mapping[str, Any] = {
    "as computed": {},
    "levels": {"energies": PAPER.energy_b},
    "repulsion": {"hubbard": PAPER.hubbard_a, "hund": 0.0, "intersite_repulsion": 0.0},
    "hopping": {"hopping_b": PAPER.hopping_b, "hopping_ab": 0.0, "hopping_ba": 0.0},
    "Λ": {"spin_orbit_vectors": PAPER.spin_orbit},
}
"""Parameters of the paper, in units of t, that take the place of a stack's, one step after the other."""


def _towards(ds: xr.Dataset) -> list[Junction]:
    """A stack, and models on the way from it to the paper's."""
    t = parameters(ds).t
    changes: dict[str, Any] = {"coupling": PAPER.coupling_a * t}
    models = []
    for step in STEPS.values():
        for key, value in step.items():
            if key == "energies":
                changes[key] = ((0.0, value * t),) * 2
            elif key == "spin_orbit_vectors":
                vectors = ds[key].values
                changes[key] = value * t * vectors / np.linalg.norm(vectors, axis=1)[:, None]
            elif key == "hubbard":
                repulsions = ("a", "b", "ab_singlet", "ab_triplet")
                changes |= {f"hubbard_{n}": value * t for n in repulsions}
            elif key == "hopping_b":
                signs = np.sign(ds["hopping"].values[0, [0, 1], [0, 1]])
                changes |= {"hopping_a": signs[0] * t, "hopping_b": signs[1] * value * t}
            else:
                changes[key] = value
        models.append(Junction.from_result(ds, **changes))
    return models


@figure(
    f"From the stack of {NEAREST} to the model, one assumption after the other",
    plot=Plot(
        panels=(
            Panel(
                source="steps", x="step", y="size", by="lead_polarisation", y_scale="log",
                by_label="p", legend=True, x_label="assumption put in, and those before it",
                y_label=r"$|P_\mathrm{MR}|$",
            ),
        )
    ),
    setting="infinite bias, coupling 0.1 t",
)  # fmt: skip
def assumptions(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    """What the model's parameters would need."""
    found = []
    for n, model in enumerate(_towards(stored(NEAREST))):
        solved = junction.solve(
            model,
            over={"lead_polarisation": POLARISATIONS},
            observables=["spin_polarisation"],
            workers=workers,
        )
        found.append(results.settled(solved)["spin_polarisation"].values)
        progress(n + 1, len(STEPS))
    P = np.array(found)
    dims = ("step", "lead_polarisation")
    return {
        "steps": xr.Dataset(
            {
                "spin_polarisation": (dims, P, {"units": "1"}),
                "size": (dims, np.where(P == 0, np.nan, np.abs(P)), {"units": "1"}),
            },
            {"step": list(STEPS), "lead_polarisation": list(POLARISATIONS)},
        )
    }


@claim(
    "assumptions",
    "with all of them the stack is the model in units of t",
    near("|P| less that of the model at its defaults", 0, 1e-7),
    source="analytic",
)
def the_model_itself(assumptions: Parts) -> Numbers:
    P = assumptions["steps"]["spin_polarisation"].sel(lead_polarisation=1.0).values[-1]
    own = float(junction.solve(PAPER)["spin_polarisation"])
    return abs(float(P)) - abs(own)


@figure(
    "Currents at 1 V and 300 K, the filled or empty pair on resonance with the leads",
    plot=Plot(
        panels=(
            Panel(
                source="room", x="stack", y="mean_current", y_scale="log", x_label="stack of two",
            ),
        )
    ),
    setting="junction.bias by ule, p = 0.4, coupling 0.002 t",
    quick={"names": (NEAREST,)},
)  # fmt: skip
def room_temperature(
    workers: int, progress: Progress, names: Sequence[str] = tuple(STACKS)
) -> dict[str, xr.Dataset]:
    """Finite bias with a real ferromagnet."""
    found = []
    for n, name in enumerate(names):
        ds = stored(name)
        made = BiasedJunction.from_result(
            ds,
            coupling=WEAK * parameters(ds).t,
            lead_polarisation=FERROMAGNET,
            bias=BIAS,
            temperature=ROOM,
            gate=-resonance(ds),
        )
        solved = junction.solve(
            made, UniversalLindblad(), observables=["spin_polarisation", "mean_current"]
        )
        found.append(
            results.settled(solved)[["spin_polarisation", "mean_current"]].reset_coords(drop=True)
        )
        progress(n + 1, len(names))
    return {"room": xr.concat(found, xr.Variable("stack", list(names)))}


@claim(
    "1 V and 300 K",
    "finite bias with p = 0.4: nothing is left that an experiment sees",
    below("largest |P|", NOTHING),
    source="self",
)
def finite_bias(room_temperature: Parts) -> Numbers:
    return float(np.abs(room_temperature["room"]["spin_polarisation"]).max())
