"""Every claim of every study, one test each; figures are computed once, without points that no claim reads."""

from __future__ import annotations

from functools import cache

import pytest

from chirospin.studies.registry import Claim, Study, studies, study

CASES = [(one, claim) for one in studies() for claim in one.claims]


@cache
def figure_data(key: str, name: str):
    figure = study(key).figure(name)
    one = 1  # worker: the tests themselves have all cores
    return figure.compute(one, lambda _done, _total: None, **figure.quick)


@pytest.mark.parametrize(("study", "claim"), CASES, ids=[f"{s.key}:{c}" for s, c in CASES])
def test_claim(study: Study, claim: Claim) -> None:
    claim.verdict({name: figure_data(study.key, name) for name in claim.needs}).verify()
