"""What makes spin polarisation, and what does not: a command for each mechanism under given conditions.

A record holds a command and what theory expects of it, no numbers. The page runs the commands.
"""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from chirospin.base.errors import ClaimError
from chirospin.faces.arguments import problem
from chirospin.faces.markdown import cell, quoted, rows

Shell = Callable[[list[str]], int]
ZERO, FIRST, SECOND, ANY = "zero", "first order", "second order", "finite"
NOTHING = 1e-9  # of a polarisation: rounding of its command
NEAR_ORDER = 0.12  # of an exponent, where the coupling is halved


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """A mechanism, its conditions and what is expected.

    Parameters
    ----------
    quantity : P_s or P_MR
    interaction, probes, loops, channels, magnet, drive : the conditions in a word or two
    expected : zero, first order, second order in ``coupling``, or finite
    because : law or reason
    arguments : after ``chirospin solve``
    observable : whose largest size is shown
    coupling : parameter that is halved to find the order, with its value
    code : exit code of the command
    """

    name: str
    quantity: str = "P_s"
    interaction: str = "none"
    probes: str = "none"
    loops: str = "yes"
    channels: str = "several"
    magnet: str = "none"
    drive: str = "linear response"
    expected: str
    because: str
    arguments: tuple[str, ...]
    observable: str = "transmitted_spin"
    coupling: tuple[str, float] | None = None
    code: int = 0

    @property
    def typed(self) -> tuple[str, ...]:
        """The whole command after ``chirospin``."""
        own = () if self.coupling is None else ("--set", f"{self.coupling[0]}={self.coupling[1]:g}")
        return ("solve", *self.arguments, *own)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What the commands of a mechanism gave: the largest size, and the order in the coupling."""

    mechanism: Mechanism
    size: float
    order: float | None

    @property
    def words(self) -> str:
        """Size and order as they stand in the table."""
        if self.size <= NOTHING:
            return "0"
        order = "" if self.order is None else f", ~ {self.mechanism.coupling[0]}^{self.order:.2f}"  # type: ignore[index]
        return f"{self.size:.1e}{order}"


def _set(*pairs: str) -> tuple[str, ...]:
    return tuple(word for pair in pairs for word in ("--set", pair))


HELICENE = ("models.helicene",)
AT = _set("rings=3", "energy=[-1.5,-1.0,1.0]")
MIXED = _set("probe=dephasing", "probe_coupling=0.05")
KEPT = (*MIXED, *_set("probe_spin=kept"))
ONE_PROBE = _set("probe_coupling=0.5", "probe_sites=[2]")
CARBON = ("spin_orbit", 0.006)
CHAIN = ("models.effective_helix", *_set("spin_orbit=-0.3", "energy=[-3,-1,0.5,2]"))
HALF_VOLT = "bias=0.5"
CURRENT = "current_spin_polarisation"
STACK = _set("hubbard=0", "bias=2", "thermal_energy=0.05", "probe_coupling=0.05")
FREE = ("junction.bias", "--method", "landauer", *STACK)
BIASED = ("junction.bias", "--method", "redfield", *_set("gate=-6.4", "bias=14"))

magnetic = partial(
    Mechanism, quantity="P_MR", magnet="left lead, fully", observable="spin_polarisation"
)
"""What reversing a magnetic lead changes."""
repelling = partial(magnetic, interaction="U = 4 t", drive="infinite bias")
"""The same in a stack with repulsion."""
MECHANISMS = (
    Mechanism(
        name="chain of one orbital a site",
        loops="no",
        channels="one",
        expected=ZERO,
        because="law 1",
        arguments=CHAIN,
    ),
    Mechanism(
        name="the same with dephasing",
        probes="dephasing",
        loops="no",
        channels="one",
        expected=ZERO,
        because="law 1",
        arguments=(*CHAIN, *MIXED),
    ),
    Mechanism(
        name="[3]helicene, one contact atom",
        channels="one",
        expected=ZERO,
        because="law 2",
        arguments=(*HELICENE, *AT, *_set("contact_atoms=1")),
    ),
    Mechanism(
        name="[3]helicene, two contact atoms",
        expected=SECOND,
        because="law 3",
        arguments=(*HELICENE, *AT),
        coupling=CARBON,
    ),
    Mechanism(
        name="[3]helicene, dephasing mixes spins",
        probes="dephasing, mixed",
        expected=FIRST,
        because="law 4",
        arguments=(*HELICENE, *AT, *MIXED),
        coupling=CARBON,
    ),
    Mechanism(
        name="[3]helicene, dephasing keeps spins",
        probes="dephasing, kept",
        expected=SECOND,
        because="law 4",
        arguments=(*HELICENE, *AT, *KEPT),
        coupling=CARBON,
    ),
    Mechanism(
        name="orbital texture, spin-orbit contact",
        expected=SECOND,
        because="law 3",
        arguments=("models.orbital_texture", *_set("energy=[0.2]")),
        coupling=("spin_orbit", 0.01),
    ),
    Mechanism(
        name="double helix with dephasing",
        probes="dephasing, mixed",
        channels="one",
        expected=ANY,
        because="law 4; beyond first order at 10 meV",
        arguments=("models.double_helix", *_set("energy=[0.485]")),
    ),
    Mechanism(
        name="single helix, hops of long range",
        probes="dephasing, mixed",
        channels="one",
        expected=ANY,
        because="law 4; beyond first order at 12 meV",
        arguments=("models.single_helix", *_set("energy=[-0.05]")),
    ),
    Mechanism(
        name="one channel, time reversal broken",
        loops="no",
        channels="one",
        magnet="in the hop",
        expected=ANY,
        because="laws 1, 2 do not apply; the check is red",
        arguments=("models.helical_field", *_set("spin_orbit_phase=0", "energy=[-0.08]")),
        code=1,
    ),
    Mechanism(
        name="[6]helicene, coherent",
        quantity="P_MR",
        magnet="left lead",
        drive="0.5 V",
        expected=ZERO,
        because="law 5",
        arguments=(*HELICENE, *_set(HALF_VOLT)),
        observable=CURRENT,
    ),
    Mechanism(
        name="[6]helicene, dephasing",
        quantity="P_MR",
        probes="dephasing",
        magnet="left lead",
        drive="0.5 V",
        expected=ZERO,
        because="law 5",
        arguments=(*HELICENE, *_set(HALF_VOLT, "probe=dephasing"), *ONE_PROBE),
        observable=CURRENT,
    ),
    Mechanism(
        name="[6]helicene, voltage probe",
        quantity="P_MR",
        probes="voltage",
        magnet="left lead",
        expected=ZERO,
        because="law 5, V to 0",
        arguments=(*HELICENE, *_set("probe=voltage"), *ONE_PROBE),
        observable=CURRENT,
    ),
    Mechanism(
        name="[6]helicene, voltage probe",
        quantity="P_MR",
        probes="voltage",
        magnet="left lead",
        drive="0.5 V",
        expected=ANY,
        because="law 5 ends: inelastic and beyond linear response",
        arguments=(*HELICENE, *_set(HALF_VOLT, "probe=voltage"), *ONE_PROBE),
        observable=CURRENT,
    ),
    magnetic(
        name="molecular stack, no repulsion",
        magnet="left lead",
        drive="infinite bias",
        expected=ZERO,
        because="law 5",
        arguments=("junction", *_set("hubbard=0")),
    ),
    magnetic(
        name="molecular stack, dephasing",
        probes="dephasing",
        drive="2 t",
        expected=ZERO,
        because="law 5",
        arguments=(*FREE, *_set("probe=dephasing")),
    ),
    magnetic(
        name="molecular stack, voltage probes",
        probes="voltage",
        drive="2 t",
        expected=ANY,
        because="law 5 ends: inelastic and beyond linear response",
        arguments=(*FREE, *_set("probe=voltage")),
    ),
    repelling(
        name="molecular stack with repulsion",
        expected=ANY,
        because="an interaction is no one-electron law's business",
        arguments=("junction",),
    ),
    repelling(
        name="the same, lead 40 % polarised",
        magnet="left lead, 40 %",
        expected=ANY,
        because="the effect of a fully magnetised lead does not survive",
        arguments=("junction", *_set("lead_polarisation=0.4")),
    ),
    repelling(
        name="stack with repulsion, cold",
        drive="14 t, k_BT = 0.25 t",
        expected=ANY,
        because="repulsion",
        arguments=(*BIASED, *_set("thermal_energy=0.25")),
    ),
    repelling(
        name="stack with repulsion, warm",
        drive="14 t, k_BT = t",
        expected=ANY,
        because="warm leads smear what repulsion makes",
        arguments=(*BIASED, *_set("thermal_energy=1")),
    ),
    magnetic(
        name="spinterface, no order",
        interaction="moments of the surface",
        loops="no",
        magnet="right lead",
        drive="1e-6 V",
        expected="vanishes with the bias",
        because="reciprocity",
        arguments=("models.spinterface_loop",),
        coupling=("bias", 1e-6),
    ),
    magnetic(
        name="spinterface, ordered moment",
        interaction="moments of the surface",
        loops="no",
        magnet="right lead and moment",
        drive="1e-6 V",
        expected=ANY,
        because="the moment is a second magnet",
        arguments=("models.spinterface_loop", *_set("bias=1e-6", "feedback=3.7")),
    ),
    magnetic(
        name="spinterface, realistic solenoid",
        interaction="moments of the surface",
        loops="no",
        magnet="right lead",
        drive="0.1 V",
        expected=ANY,
        because="one Bohr magneton in the field of the current",
        arguments=("models.spinterface_loop", *_set("solenoid=2.8e-6", "feedback=0.925")),
    ),
)


def trial(mechanism: Mechanism, shell: Shell) -> Trial:
    """Run the command of a mechanism, and with half the coupling.

    Raises
    ------
    ClaimError : what comes out is not what is expected
    """
    size = _size(mechanism.typed, mechanism, shell)
    order = None
    if mechanism.coupling is not None:
        name, value = mechanism.coupling
        halved = ("solve", *mechanism.arguments, "--set", f"{name}={value / 2:g}")
        order = float(np.log2(size / _size(halved, mechanism, shell)))
    outcome = Trial(mechanism=mechanism, size=size, order=order)
    _as_expected(outcome)
    return outcome


def _as_expected(trial: Trial) -> None:
    mechanism = trial.mechanism
    wanted = {FIRST: 1.0, SECOND: 2.0, "vanishes with the bias": 1.0}.get(mechanism.expected)
    right = (
        trial.size <= NOTHING
        if mechanism.expected == ZERO
        else trial.size > NOTHING
        and (wanted is None or abs((trial.order or 0.0) - wanted) < NEAR_ORDER)
    )
    if not right:
        raise ClaimError(
            f"{mechanism.name} ({mechanism.quantity}) must be {mechanism.expected}, but its command gives {trial.words}"
        )


def _size(arguments: Sequence[str], mechanism: Mechanism, shell: Shell) -> float:
    """Largest size of the observable that a command gives."""
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()),
    ):
        code = shell([*arguments, "--json"])
    if code != mechanism.code:
        raise ClaimError(
            f"`{shlex.join(['chirospin', *arguments])}` must end with exit code {mechanism.code}, but ends with {code}"
        )
    values = json.loads(out.getvalue())["observables"][mechanism.observable]["values"]
    return float(np.nanmax(np.abs(np.array(values, dtype=float))))


INTRODUCTION = (
    "# What makes spin polarisation?",
    "",
    "Two quantities carry this name. P_s is the spin of the current that leaves into an ordinary lead "
    "(`transmitted_spin`); P_MR is how much the current changes when a magnetic lead is reversed "
    "(`spin_polarisation`), which is what a junction measures. A model can have either without the other.",
    "",
    "The laws: (1) a tree of sites with one orbital each transmits no spin; (2) nor does one channel into the "
    "lead; (3) without probes P_s begins at second order in the spin-orbit coupling; (4) probes that mix spins "
    "make it first order, those that keep it along z do not; (5) P_MR = 0 without probes and with elastic ones "
    "at every bias, with inelastic ones for a vanishing bias; (6) the mirror image has the opposite P_s. They "
    "hold for electrons that do not repel each other, in a molecule even under time reversal. "
    "`chirospin audit models.NAME` tries each on a model and says what is missing where one does not apply.",
    "",
    "Every entry is the answer of the command with its number below, run when this page was generated; the page "
    "cannot be generated if one of them is not as expected. Sizes are the largest of the command's energies; "
    "a tilde gives the measured power of the coupling. 0 means below 1e-9. U is the repulsion of two electrons on a "
    "molecule, t the hopping between neighbours, taken as the unit of energy of the stack. A check that is red makes "
    "its command end with exit code 1.",
    "",
)


def mechanisms_page(trials: Sequence[Trial]) -> str:
    """One table of mechanisms against conditions, and the command of every entry."""
    head = [
        "", "mechanism", "interaction", "probes", "loops", "channels", "magnet", "drive", "expected",
        "size found", "because",
    ]  # fmt: skip
    lines = list(INTRODUCTION)
    for quantity, title in (
        ("P_s", "Spin of the current, P_s"),
        ("P_MR", "Magnetoresistance, P_MR"),
    ):
        lines += [f"## {title}", ""]
        body = [
            [
                f"[{n}](#command-{n})",
                *map(
                    cell,
                    (
                        f.mechanism.name, f.mechanism.interaction, f.mechanism.probes, f.mechanism.loops,
                        f.mechanism.channels, f.mechanism.magnet, f.mechanism.drive, f.mechanism.expected,
                        f.words, f.mechanism.because,
                    ),
                ),
            ]
            for n, f in enumerate(trials, start=1)
            if f.mechanism.quantity == quantity
        ]  # fmt: skip
        lines += [*rows(head, body), ""]
    lines += ["## Commands", ""]
    for n, f in enumerate(trials, start=1):
        command = " ".join(["chirospin", *map(quoted, f.mechanism.typed)])
        path = problem(f.mechanism.arguments[0]).path
        lines += [
            f"### Command {n}",
            "",
            cell(f"{f.mechanism.name}: {f.mechanism.observable} of {path}"),
            "",
            "```console",
            f"$ {command}",
            "```",
            "",
        ]
    return "\n".join(lines)
