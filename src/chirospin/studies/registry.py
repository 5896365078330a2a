"""What a study is, and the list of all studies."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import xarray as xr

from chirospin.base.errors import ClaimError, UnknownNameError
from chirospin.base.figures import Plot
from chirospin.base.parameters import nearest

Progress = Callable[[int, int], None]
Data = Mapping[str, Mapping[str, xr.Dataset]]
Source = Literal["analytic", "paper-text", "digitised", "other-code"]
STUDIES = (
    "nozaki_fujita_2026",
    "yoshimi_2026",
    "fransson_closed_shell",
    "fransson_spinterface",
    "khaetskii_2006",
    "junction_bias",
    "stack_length",
)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure or table of a paper.

    Parameters
    ----------
    name : as typed on the command line, ``figure-2``
    compute : (workers, progress) -> Datasets by key
    plot : what is drawn; None for a table
    setting : parameters in words, where the Datasets are derived and do not carry them
    outside : checks that fail in it on purpose, where it shows how far a method or a formula goes
    """

    name: str
    caption: str
    compute: Callable[[int, Progress], dict[str, xr.Dataset]]
    plot: Plot | None = None
    setting: str = ""
    outside: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The evidence on one claim.

    Parameters
    ----------
    published, ours : numbers in words
    holds : whether the claim is borne out, judged at the tolerance stated in ``ours`` or the claim
    compared : the published number and ours, where the claim comes to one; 0 and the difference,
        where the published side is a formula or another solution
    """

    published: str
    ours: str
    holds: bool
    compared: tuple[float, float] | None = None

    @property
    def deviation(self) -> str:
        """Ours against the published number, relative unless that is zero; empty without numbers."""
        if self.compared is None:
            return ""
        published, ours = map(float, self.compared)
        if published == 0:
            return f"{ours:.1e}"
        share = (ours - published) / abs(published)
        return f"{share:+.2%}" if abs(share) >= 1e-4 else f"{share:+.1e}"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A checkable statement.

    Parameters
    ----------
    text : what is claimed; for an erratum, what is right instead of what is printed
    where : place in the paper
    needs : names of the figures whose data the check reads
    source : where the reference value comes from
    kind : a statement of the paper, or an erratum of it
    """

    name: str
    text: str
    where: str
    needs: tuple[str, ...]
    check: Callable[[Data], Finding]
    source: Source
    kind: Literal["claim", "erratum"] = "claim"

    def __str__(self) -> str:
        return self.name

    def verdict(self, data: Data) -> Verdict:
        """Judge the claim on the data of its figures."""
        finding = self.check(data)
        word = {("claim", True): "reproduced", ("erratum", True): "erratum shown"}.get(
            (self.kind, finding.holds), "NOT REPRODUCED"
        )
        return Verdict(claim=self, finding=finding, word=word)

    def verify(self, data: Data) -> None:
        """Raise if the claim does not hold.

        Raises
        ------
        ClaimError : names the claim with the published and the computed value
        """
        finding = self.check(data)
        if not finding.holds:
            raise ClaimError(
                f"{self.name}: {self.text}: published {finding.published}, computed {finding.ours}"
            )


def claim(
    name: str,
    where: str,
    text: str,
    needs: Sequence[str],
    check: Callable[[Data], Finding],
    kind: Literal["claim", "erratum"] = "claim",
    source: Source = "paper-text",
) -> Claim:
    """A :class:`Claim` in the order in which one reads it."""
    return Claim(
        name=name,
        text=text,
        where=where,
        needs=tuple(needs),
        check=check,
        source=source,
        kind=kind,
    )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A claim with its evidence and the word for it."""

    claim: Claim
    finding: Finding
    word: str


@dataclass(frozen=True, kw_only=True)
class Study:
    """A paper."""

    key: str
    title: str
    figures: tuple[Figure, ...]
    claims: tuple[Claim, ...]

    def figure(self, name: str) -> Figure:
        """A figure by name.

        Raises
        ------
        UnknownNameError : no such figure
        """
        known = {figure.name: figure for figure in self.figures}
        if name not in known:
            raise UnknownNameError(
                f"{self.key} has no figure {name!r}; {nearest(name, list(known))}"
            )
        return known[name]


@cache
def study(key: str) -> Study:
    """A study by key.

    Raises
    ------
    UnknownNameError : no such study
    """
    if key not in STUDIES:
        raise UnknownNameError(f"No study {key!r}; {nearest(key, list(STUDIES))}")
    found: Study = importlib.import_module(f"chirospin.studies.{key}").STUDY
    return found


def studies() -> Iterator[Study]:
    """All studies."""
    return map(study, STUDIES)
