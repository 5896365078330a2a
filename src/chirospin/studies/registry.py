"""What a study is, and where studies are found.

A study is a module. Its docstring begins with the title; :func:`figure` turns a function into a figure,
:func:`claim` and :func:`erratum` turn one into a statement that is checked. Nothing is listed twice:
the name of a figure or claim is that of its function, the figures that a claim reads are the parameters of
its function, and studies are the modules of ``papers`` and ``own``, and those that other packages offer by an
entry point of the group ``chirospin.studies`` whose name is the key and whose object is the module. Such a
study is one of a paper if its key is in the bibliography of a family.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from chirospin.base.citations import bibliography
from chirospin.base.errors import ClaimError, ModelError, UnknownNameError
from chirospin.base.families import load_offered, offered, package_of
from chirospin.base.figures import Plot
from chirospin.base.parameters import nearest
from chirospin.studies import own, papers
from chirospin.studies.contents import Contents, Row, unaccounted, unknown
from chirospin.studies.expectation import Expectation, Judgement

if TYPE_CHECKING:
    import xarray as xr

GROUP = "chirospin.studies"
Progress = Callable[[int, int], None]
Parts = Mapping[str, "xr.Dataset"]
"""The Datasets of a figure by key."""
Data = Mapping[str, Parts]
"""The Datasets of several figures by name of the figure."""
Numbers = Any
"""What a check returns: a number or an array, or a tuple of them in the order of what is expected."""
Source = Literal["paper-text", "analytic", "digitised", "other-code", "self"]
REPRODUCED, ORDER, SHOWN, NOT_REPRODUCED = (
    "reproduced",
    "order of magnitude",
    "erratum shown",
    "NOT REPRODUCED",
)
WORDS = (REPRODUCED, ORDER, SHOWN, NOT_REPRODUCED)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure or table.

    Parameters
    ----------
    name : as typed on the command line, ``figure-2``
    compute : (workers, progress) -> Datasets by key
    plot : what is drawn; None for a table
    setting : parameters in words, where the Datasets are derived and do not carry them
    outside : checks that fail in it on purpose, where it shows how far a method or a formula goes
    quick : arguments of ``compute`` that leave out points which no claim reads
    """

    name: str
    caption: str
    compute: Callable[..., dict[str, xr.Dataset]]
    plot: Plot | None = None
    setting: str = ""
    outside: tuple[str, ...] = ()
    quick: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A checkable statement.

    Parameters
    ----------
    where : place in the paper
    text : what is claimed; for an erratum, what is right instead of what is printed
    expected : what is expected of each number that ``check`` returns, in their order
    check : computes the numbers from the Datasets of figures, which are its parameters
    source : where the reference values come from; ``self``: from this code
    misprinted : for an erratum, what is printed
    departs : why our numbers are known not to meet the claim; empty where they do
    """

    name: str
    where: str
    text: str
    expected: tuple[Expectation, ...]
    check: Callable[..., Numbers]
    source: Source
    misprinted: str = ""
    departs: str = ""

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> Literal["claim", "erratum"]:
        """A statement, or an erratum of one."""
        return "erratum" if self.misprinted else "claim"

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the figures whose Datasets the check reads."""
        return tuple(map(words, inspect.signature(self.check).parameters))

    @property
    def published(self) -> str:
        """What is expected, in words; for an erratum, what is printed."""
        return self.misprinted or "; ".join(f"{e.quantity}: {e.words}" for e in self.expected)

    def verdict(self, data: Data) -> Verdict:
        """Judge the claim on the data of its figures.

        Raises
        ------
        ClaimError : the check returns more or fewer numbers than are expected
        """
        found = self.check(*(data[name] for name in self.needs))
        numbers = found if isinstance(found, tuple) else (found,)
        if len(numbers) != len(self.expected):
            raise ClaimError(
                f"{self.name}: {len(self.expected)} numbers are expected, {len(numbers)} computed"
            )
        return Verdict(
            claim=self,
            judgements=tuple(
                e.judge(number) for e, number in zip(self.expected, numbers, strict=True)
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A claim with its numbers and the word for it."""

    claim: Claim
    judgements: tuple[Judgement, ...]

    @property
    def holds(self) -> bool:
        """Whether every number meets what is expected of it."""
        return all(judgement.met for judgement in self.judgements)

    @property
    def declared(self) -> bool:
        """Whether it comes out as the study says: it holds, or departs for the reason that is given."""
        return self.holds != bool(self.claim.departs)

    @property
    def word(self) -> str:
        """One of ``WORDS``."""
        if not self.holds:
            return NOT_REPRODUCED
        if self.claim.kind == "erratum":
            return SHOWN
        return ORDER if any(e.order for e in self.claim.expected) else REPRODUCED

    @property
    def ours(self) -> str:
        """The computed numbers in words, with the reason why they depart."""
        numbers = "; ".join(judgement.words for judgement in self.judgements)
        return f"{numbers} ({self.claim.departs})" if self.claim.departs else numbers

    @property
    def deviation(self) -> str:
        """Ours against the first number of the paper, right or misprinted; empty where there is none."""
        wanted = self.claim.kind == "erratum"
        return next(
            (j.deviation for j in self.judgements if j.deviation and j.expectation.wrong == wanted),
            "",
        )

    def verify(self) -> None:
        """Raise if the claim does not come out as the study says.

        Raises
        ------
        ClaimError : names the claim with what is expected and what is computed
        """
        if self.declared:
            return
        if self.holds:
            raise ClaimError(f"{self.claim.name} holds, but is said not to: {self.claim.departs}")
        expected = "; ".join(f"{e.quantity}: {e.words}" for e in self.claim.expected)
        raise ClaimError(
            f"{self.claim.name}: {self.claim.text}: expected {expected}, computed {self.ours}"
        )


@dataclass(frozen=True, kw_only=True)
class Study:
    """A paper, or a question of our own.

    Parameters
    ----------
    contents : the equations, figures and tables of the paper; None where its full text is not at hand
    rows : what the places and statements are that no claim answers for
    moved : figure that it had -> the study that has it now
    """

    key: str
    title: str
    figures: tuple[Figure, ...]
    claims: tuple[Claim, ...]
    of_a_paper: bool
    contents: Contents | None = None
    rows: tuple[Row, ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)

    def figure(self, name: str) -> Figure:
        """A figure by name.

        Raises
        ------
        UnknownNameError : no such figure
        """
        known = {figure.name: figure for figure in self.figures}
        if name in self.moved:
            raise UnknownNameError(
                f"{self.key} has no figure {name!r} now; see the study {self.moved[name]}"
            )
        if name not in known:
            raise UnknownNameError(
                f"{self.key} has no figure {name!r}; {nearest(name, list(known))}"
            )
        return known[name]


def words(name: str) -> str:
    """The name of a function as it is typed: ``figure_2`` is ``figure-2``, ``map_`` is ``map``."""
    return name.strip("_").replace("_", "-")


def figure(
    caption: str,
    plot: Plot | None = None,
    *,
    setting: str = "",
    outside: Sequence[str] = (),
    quick: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., dict[str, xr.Dataset]]], Figure]:
    """Turn a function (workers, progress) -> Datasets into the :class:`Figure` of its name."""

    def decorate(compute: Callable[..., dict[str, xr.Dataset]]) -> Figure:
        return Figure(
            name=words(compute.__name__),
            caption=caption,
            compute=compute,
            plot=plot,
            setting=setting,
            outside=tuple(outside),
            quick=quick or {},
        )

    return decorate


def claim(
    where: str,
    text: str,
    *expected: Expectation,
    source: Source = "paper-text",
    departs: str = "",
    misprinted: str = "",
) -> Callable[[Callable[..., Numbers]], Claim]:
    """Turn a function into the :class:`Claim` that its numbers are as expected."""

    def decorate(check: Callable[..., Numbers]) -> Claim:
        return Claim(
            name=words(check.__name__),
            where=where,
            text=text,
            expected=expected,
            check=check,
            source=source,
            departs=departs,
            misprinted=misprinted,
        )

    return decorate


def erratum(
    where: str, misprinted: str, text: str, *expected: Expectation, source: Source = "analytic"
) -> Callable[[Callable[..., Numbers]], Claim]:
    """Turn a function into the :class:`Claim` that something is misprinted, and what is right."""
    return claim(where, text, *expected, source=source, misprinted=misprinted)


def read_study(module: ModuleType, *, of_a_paper: bool) -> Study:
    """The study that a module holds, in the order of the file.

    Raises
    ------
    ClaimError : a claim reads a figure that is not there, expects nothing, or takes its reference from
        where it may not: a paper's study from this code, a study of our own from a paper's text
    """
    held = [
        x
        for x in vars(module).values()
        if getattr(getattr(x, "check", getattr(x, "compute", None)), "__module__", "")
        == module.__name__
    ]
    study = Study(
        key=module.__name__.rpartition(".")[2],
        title=(module.__doc__ or "").strip().split("\n")[0].rstrip("."),
        figures=tuple(x for x in held if isinstance(x, Figure)),
        claims=tuple(x for x in held if isinstance(x, Claim)),
        of_a_paper=of_a_paper,
        contents=getattr(module, "CONTENTS", None),
        rows=getattr(module, "ROWS", ()),
        moved=getattr(module, "MOVED", {}),
    )
    known = {figure.name for figure in study.figures}
    for claim in study.claims:
        lacking = set(claim.needs) - known
        forbidden = "self" if of_a_paper else "paper-text"
        if lacking or not claim.expected or claim.source == forbidden:
            raise ClaimError(
                f"{study.key} {claim.name}: "
                + (f"no figure {min(lacking)!r}" if lacking else "")
                + ("" if claim.expected else "nothing is expected")
                + (f"source {forbidden!r} has no place here" if claim.source == forbidden else "")
            )
    return study


def lacking_rows(study: Study) -> tuple[str, ...]:
    """The places of a paper that neither a claim nor a row answers for."""
    return unaccounted(study.contents, _wheres(study)) if study.contents else ()


def misplaced_rows(study: Study) -> tuple[str, ...]:
    """The places that claims and rows name and the paper does not hold."""
    return unknown(study.contents, _wheres(study)) if study.contents else ()


def _wheres(study: Study) -> list[str]:
    return [*(claim.where for claim in study.claims), *(row.where for row in study.rows)]


def keys(*, of_papers: bool | None = None) -> tuple[str, ...]:
    """Keys of the studies of papers, of questions of one's own, or of all; no study is imported."""
    folders = (papers,) * (of_papers is not False) + (own,) * (not of_papers)
    names = [m.name for folder in folders for m in pkgutil.iter_modules(folder.__path__)]
    return (*names, *(key for key in sorted(offered(GROUP)) if of_papers in (None, _cited(key))))


def _cited(key: str) -> bool:
    """Whether a study of another package is one of a paper."""
    return key in bibliography()


@cache
def study(key: str) -> Study:
    """A study by key.

    Raises
    ------
    UnknownNameError : no such study
    ModelError : a package that cannot be imported, offers no module, or a key that is taken
    """
    if key not in keys():
        raise UnknownNameError(f"No study {key!r}; {nearest(key, list(keys()))}")
    points = offered(GROUP).get(key, [])
    folders = [
        folder
        for folder in (papers, own)
        if key in (m.name for m in pkgutil.iter_modules(folder.__path__))
    ]
    if points:
        module = load_offered("Study", key, points, taken=bool(folders))
        if not isinstance(module, ModuleType):
            raise ModelError(
                f"Entry point `{key}` of {package_of(points[0])} must be the module of a study, "
                f"but is {str(module)[:80]}"
            )
        return replace(read_study(module, of_a_paper=_cited(key)), key=key)
    (folder,) = folders
    return read_study(
        importlib.import_module(f"{folder.__name__}.{key}"), of_a_paper=folder is papers
    )


def studies(*, of_papers: bool | None = None) -> Iterator[Study]:
    """All studies, or those of papers, or those of our own."""
    return map(study, keys(of_papers=of_papers))


def counted(verdicts: Sequence[str]) -> str:
    """How many verdicts have each word: ``23 reproduced, 8 erratum shown``."""
    counts = Counter(verdicts)
    return ", ".join(f"{counts[word]} {word}" for word in WORDS if counts[word])
