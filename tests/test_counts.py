"""Operator applications stay what they were: a performance test that a busy machine cannot spoil."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_operator_applications_do_not_grow() -> None:
    spec = importlib.util.spec_from_file_location("junction_benchmark", BENCHMARKS / "junction.py")
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    frozen = json.loads(benchmark.COUNTS.read_text())
    for name, number in benchmark.counts().items():
        assert number <= frozen[name] + 2, name
