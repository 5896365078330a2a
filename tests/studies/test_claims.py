"""Every claim of every paper, one test each; the figures are computed once."""

from __future__ import annotations

from functools import cache

import pytest

from chirospin.studies.registry import Claim, Study, studies

CASES = [(study, claim) for study in studies() for claim in study.claims]


@cache
def figure_data(key: str, name: str):
    study = next(one for one in studies() if one.key == key)
    return study.figure(name).compute(2, lambda _done, _total: None)


@pytest.mark.xdist_group("studies")
@pytest.mark.parametrize(("study", "claim"), CASES, ids=[f"{s.key}:{c}" for s, c in CASES])
def test_claim(study: Study, claim: Claim) -> None:
    claim.verify({name: figure_data(study.key, name) for name in claim.needs})
