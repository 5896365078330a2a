"""Probes as parameters of a model: reservoirs on its sites that carry no current."""

from __future__ import annotations

from typing import cast

from pydantic import model_validator

from chirospin.base.errors import ModelError
from chirospin.base.parameters import Model, parameter
from chirospin.scattering.currents import ProbeKind
from chirospin.scattering.system import KEPT, MIXED, Spins

LARGEST = 1e6  # eV
PROBES = ("none", "dephasing", "voltage")


class Probed(Model):
    """A model whose sites may have probes.

    References
    ----------
    buttiker_1986, buttiker_1988_series, d_amato_pastawski_1990
    """

    probe: str = parameter(
        "none",
        symbol=r"\mathrm{probe}",
        choices=PROBES,
        about="dephasing probes carry no current at any energy, voltage probes none in all",
    )
    probe_spin: str = parameter(
        "mixed",
        symbol=r"\mathrm{spin}",
        choices=("mixed", "kept"),
        about="one reservoir for both spins of a probe, or one for each along z",
    )
    probe_coupling: float = parameter(
        0.0,
        unit="eV",
        symbol="d",
        low=0,
        high=LARGEST,
        about="of every orbital of a site to its probe",
    )

    @model_validator(mode="after")
    def _kind_and_coupling_agree(self) -> Probed:
        given = "probe_coupling" in self.model_fields_set and self.probe_coupling
        if self.probe == "none" and given:
            raise ModelError(
                "Parameter `probe` must be dephasing or voltage where probe_coupling is given, "
                "but is none"
            )
        if self.probe != "none" and not self.probe_coupling:
            raise ModelError(
                f"Parameter `probe_coupling` must be > 0 (in eV) for {self.probe} probes, but is 0"
            )
        return self


def probe_kind(model: Probed) -> ProbeKind:
    """Elastic, inelastic or none."""
    return cast(ProbeKind, model.probe)


def probe_spins(model: Probed) -> Spins:
    """The reservoirs of a probe."""
    return KEPT if model.probe_spin == "kept" else MIXED
