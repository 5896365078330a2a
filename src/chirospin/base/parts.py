"""What an observable needs beside the state of its own model: found once, and only where it is asked for.

A part has a name. A method *gives* the parts that come with its own solve (noise, a spectrum); a problem
declares those that take another model (the reversed bias, the mirror image) or a search. The corridor adds
up what the wanted observables and the checks that are due *need*, solves every model once, and puts what it
finds into ``state.parts``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any

from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.method import (
    FailedState,
    Method,
    Needs,
    arithmetic_reason,
    is_arithmetic,
    states,
)
from chirospin.base.threads import blas_threads

Find = Callable[[Any, Any], Any]
Partner = tuple[Find | None, Any]
Partners = Mapping[str, Partner | FailedState | None]
Batch = Callable[[Sequence[Any]], list[Any]]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part that takes more than the solve of the model itself.

    Parameters
    ----------
    at : model -> the model it belongs to, or None where it has no meaning; equal ones are solved once
    find : (method, model) -> the part; the state of that model by the same method if not given
    needs : parts given by the method that this state must have in turn
    """

    name: str
    about: str
    at: Callable[[Any], Any | None]
    find: Find | None = None
    needs: tuple[str, ...] = ()

    def partner(self, method: Method, model: Any) -> Partner | FailedState | None:
        """The model and the search that it takes, which some points may share."""
        if self.name in method.declines:
            return FailedState.of(f"{method.name} was told not to solve {self.name}")
        try:
            other = self.at(model)
        except ModelError as error:
            return FailedState.of(str(error))
        return None if other is None else (self.find, other)


def states_with_parts(
    parts: Sequence[Part],
    method: Method,
    models: Sequence[Any],
    needs: Needs,
    *,
    workers: int = 1,
    watch: Callable[[Any, Any], None] = lambda model, state: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Any]:
    """The states of some points, each with the parts that are needed.

    A part that could not be found is a :class:`FailedState`; one without meaning there is None. A partner
    that is refused stops nothing; a search that is refused was asked for by its own point. What a method
    gives is not searched for.

    Parameters
    ----------
    watch : called with (model, state) of each point as it comes
    progress : called with (points done, points in all); partners count as a share of them

    Raises
    ------
    ModelError : a point, or a search that belongs to it, is refused
    """
    asked = [part for part in parts if part.name in needs - method.gives]
    partners_of: dict[Any, Partners] = {
        model: {part.name: part.partner(method, model) for part in asked} for model in models
    }
    own = dict.fromkeys(partners_of, needs & method.gives)
    for part in asked:
        for partner in (named[part.name] for named in partners_of.values()):
            if isinstance(partner, tuple) and partner[0] is None:
                own[partner[1]] = own.get(partner[1], frozenset()) | method.gives.intersection(
                    part.needs
                )
    total = len(partners_of) + len(_partners(partners_of, list(partners_of)))

    def report(count: int) -> None:
        progress(count * len(models) // total, len(models))

    def batch(members: Sequence[Any]) -> list[Any]:
        groups = groupby(members, key=own.__getitem__)
        return [state for needed, group in groups for state in states(method, list(group), needed)]

    known: dict[Partner, Any] = {}
    for model, state in _in_chunks(batch, list(partners_of), workers, method.together):
        watch(model, state)
        known[None, model] = state
        report(len(known))
    sound = [model for model in partners_of if known[None, model].outcome.converged]
    for partner, value in _in_chunks(
        _partner_batch(method, batch), _partners(partners_of, sound), workers, method.together
    ):
        known[partner] = value
        report(len(known))
    return [_with_parts(known[None, model], partners_of[model], known) for model in models]


def _partners(partners_of: Mapping[Any, Partners], points: Sequence[Any]) -> list[Partner]:
    """What some points need beside their own states, each once."""
    wanted = (partner for model in points for partner in partners_of[model].values())
    distinct = dict.fromkeys(partner for partner in wanted if isinstance(partner, tuple))
    return [
        partner for partner in distinct if partner[0] is not None or partner[1] not in partners_of
    ]


def _partner_batch(method: Method, batch: Batch) -> Batch:
    """Partners must not stop the points: one that is refused or fails is a failed state."""

    def together(members: Sequence[Partner]) -> list[Any]:
        values: list[Any] = []
        for find, group in groupby(members, key=lambda partner: partner[0]):
            models = [model for _, model in group]
            if find is not None:
                values += [_tried(method, partial(find, method, model)) for model in models]
                continue
            try:
                values += batch(models)
            except ModelError:  # of one of them
                values += [_only(batch, model) for model in models]
        return values

    return together


def _only(batch: Batch, model: Any) -> Any:
    try:
        (state,) = batch([model])
    except ModelError as error:
        return FailedState.of(str(error))
    return state


def _tried(method: Method, find: Callable[[], Any]) -> Any:
    try:
        return find()
    except ConvergenceError as error:
        return FailedState.of(str(error))
    except Exception as error:
        if not is_arithmetic(error):
            raise
        return FailedState.of(arithmetic_reason(method.name, error))


def _in_chunks(
    batch: Batch, members: Sequence[Any], workers: int, size: int
) -> Iterator[tuple[Any, Any]]:
    """Members and what a batch makes of them, in order."""
    chunks = [members[start : start + size] for start in range(0, len(members), size)]
    if min(workers, len(chunks)) <= 1:
        for chunk in chunks:
            yield from zip(chunk, batch(chunk), strict=True)
        return
    with blas_threads(1), ThreadPoolExecutor(min(workers, len(chunks))) as pool:
        for chunk, values in zip(chunks, pool.map(batch, chunks), strict=True):
            yield from zip(chunk, values, strict=True)


def _with_parts(state: Any, partners: Partners, known: Mapping[Partner, Any]) -> Any:
    if not partners or not state.outcome.converged:
        return state
    extra = {
        name: known[partner] if isinstance(partner, tuple) else partner
        for name, partner in partners.items()
    }
    return replace(state, parts={**state.parts, **extra})
