"""Scattering of electrons that do not repel each other, with probes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from pydantic import Field

from chirospin.base.method import Method, Needs
from chirospin.base.outcome import Outcome
from chirospin.models.model import OneElectronModel, curve_energies, system, window
from chirospin.models.state import Curve, ScatteringState
from chirospin.scattering.amplitudes import Channels, elastic, joined
from chirospin.scattering.currents import currents, why_not
from chirospin.scattering.probes import probe_kind
from chirospin.scattering.system import System

MAGNETISATIONS = {"up": 1.0, "down": -1.0, "none": 0.0}
CURVES = frozenset({"curve", "magnetised_curves"})


class Landauer(Method):
    r"""Transmission between leads, with probes that carry no current.

    .. math:: T_{pq} = Tr[\Gamma_p G\Gamma_q G^+], \qquad \sum_q T_{pq}(f_p - f_q) = 0

    Dephasing probes obey this at every energy, voltage probes in sum over energies with a Fermi function of
    their own. The curves are linear response at each energy, where both are one.

    References
    ----------
    buttiker_1986, buttiker_1988_series, d_amato_pastawski_1990
    """

    name: ClassVar[str] = "landauer"
    summary: ClassVar[str] = "transmission with dephasing or voltage probes, no interaction"
    references: ClassVar[tuple[str, ...]] = (
        "buttiker_1986",
        "buttiker_1988_series",
        "d_amato_pastawski_1990",
    )
    gives: ClassVar[Needs] = frozenset({*CURVES, "currents"})

    eigenvectors: bool = Field(
        default=True,
        description="whether to use the decaying modes, or a factorisation at each energy",
    )

    def solve_many(self, models: Sequence[OneElectronModel]) -> Iterator[ScatteringState]:
        """States with all parts."""
        return self.solve_with(models, self.gives)

    def solve_with(
        self, models: Sequence[OneElectronModel], needs: Needs
    ) -> Iterator[ScatteringState]:
        """States with the parts that are needed."""
        return (self._state(model, needs) for model in models)

    def _state(self, model: OneElectronModel, needs: Needs) -> ScatteringState:
        parts: dict[str, Any] = {}
        if needs & CURVES:
            parts |= self.curves(system(model), curve_energies(model), needs)
        defects = [0.0]
        reason = ""
        if "curve" in parts:
            defects.append(float(parts["curve"].defect.max()))
        if "currents" in needs:
            found = currents(
                system(model), probe_kind(model), window(model), tuple(MAGNETISATIONS.values())
            )
            parts["currents"] = tuple(found)
            defects += [one.probes for one in found]
            reason = why_not(found)
        outcome = Outcome(converged=not reason, residual=max(defects), iterations=1, reason=reason)
        return ScatteringState(outcome=outcome, parts=parts)

    def curves(self, of: System, at: Any, needs: Needs) -> dict[str, Any]:
        """The curves of a system that are needed."""
        channels = Channels(system=of)
        names = ["none"] if "curve" in needs else []
        names += ["up", "down"] if "magnetised_curves" in needs else []
        found: dict[str, list[Any]] = {name: [] for name in names}
        for part in channels.chunks(at):
            S = channels.amplitudes(at[part]) if self.eigenvectors else channels.direct(at[part])
            for name in names:
                found[name].append(channels.transmissions(S, MAGNETISATIONS[name]))
        curves = {name: _curve(joined(parts), channels) for name, parts in found.items()}
        parts: dict[str, Any] = {"curve": curves["none"]} if "none" in curves else {}
        if "up" in curves:
            parts["magnetised_curves"] = (curves["up"], curves["down"])
        return parts


def _curve(found: Any, channels: Channels) -> Curve:
    ends = channels.starts[2] if len(channels.starts) > 2 else channels.vectors.shape[1]
    return Curve(flow=elastic(found), defect=found.defect, channels=int(ends))
