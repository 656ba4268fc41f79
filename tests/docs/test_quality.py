"""The page of measured quality is what the figures kept say, and the tasks are sound."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The package that lies beside the tests, not in the distribution."""
    monkeypatch.syspath_prepend(str(ROOT))
    for name in ("clips", "figures", "report", "results", "run", "task", "tasks"):
        importlib.import_module(f"benchmarks.{name}")
    return importlib.import_module("benchmarks")


def test_the_page_is_what_the_figures_say(bench: ModuleType) -> None:
    assert bench.report.PAGE.read_text() == bench.report.page(), "run .venv/bin/python -m benchmarks.report"


def _kept(bench: ModuleType) -> list[tuple[Any, Any]]:
    """Tasks and their figures; the page names those that have none."""
    return [(task, kept) for task in bench.tasks.TASKS if (kept := bench.results.kept(task.name))]


def test_what_was_measured_is_what_the_tasks_name(bench: ModuleType) -> None:
    for task, kept in _kept(bench):
        tools = {tool.name for tool in task.tools}
        assert {run.tool for run in kept.runs} <= tools
        assert {run.tool for run in kept.runs if run.kind == "ours"} == {t.name for t in task.tools if t.kind == "ours"}
        keys = {figure.key for figure in task.figures}
        assert task.headline in keys
        assert all(set(run.figures) <= keys for run in (*kept.runs, *kept.tuning))
        assert not {(run.group, run.clip) for run in kept.runs} & {(run.group, run.clip) for run in kept.tuning}


def test_what_is_asked_for_names_what_there_is(bench: ModuleType) -> None:
    for task, kept in _kept(bench):
        for asked in task.asked:
            assert asked.tool in {tool.name for tool in task.tools}
            assert any(run.group == asked.group and asked.figure in run.figures for run in kept.runs), asked.text


def test_answers_are_judged_clip_by_clip(bench: ModuleType) -> None:
    def run(clip: str, tool: str, kind: str, value: float) -> object:
        return bench.results.Run("g", clip, tool, kind, {}, {"psnr": value}, 1.0, 1)

    runs = [run("a", "us", "ours", 31), run("a", "x", "peer", 29), run("a", "y", "peer", 30)]
    runs += [run("b", "us", "ours", 31), run("b", "x", "peer", 30.5), run("b", "nobody", "nothing", 40)]
    figure = bench.task.Figure("psnr", "PSNR", "", 1)
    asked = bench.task.Asked("more", "us", "psnr", "g", margin=1.0)
    task = bench.task.Task("t", "T", "", "", (figure,), "psnr", list, (), (), (asked,))
    kept = bench.results.Kept("t", "", "", {}, [], "", runs, [])
    assert bench.report._answer(task, kept, asked) == ("more (g)", "a +1.0; b +0.5", "**1 of 2**")
    floor = bench.task.Asked("enough", "us", "psnr", "g", at_least=31)
    assert bench.report._answer(task, kept, floor)[2] == "yes"


def test_figures_of_planes(bench: ModuleType) -> None:
    truth = np.zeros((1, 8, 8), np.uint8)
    made = truth.copy()
    made[0, 0, 0] = 255
    assert bench.figures.psnr(truth, truth) == 99
    assert bench.figures.psnr(made, truth) == pytest.approx(10 * np.log10(64))
    assert bench.figures.psnr(made, truth, made != truth) == pytest.approx(0)
    assert np.isnan(bench.figures.psnr(made, truth, np.zeros_like(made, bool)))
    assert bench.figures.share(bench.figures.changed(made, truth)) == pytest.approx(100 / 64)


def test_grids_hold_every_combination(bench: ModuleType) -> None:
    grid = bench.task.varied(a=(1, 2), b=("x", "y"))
    assert grid == ({"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"})
