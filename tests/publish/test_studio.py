"""Plug-ins of a studio: they join ours, and a broken one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from publish.contract import TWO, Laid
from publish.memory_host import MemoryHost
from publish.orders import order
from resilver_client import errors
from resilver_client.client import Client
from resilver_publish.publication import PLUGINS, Publication, studio_plugins
from resilver_publish.types import Repair

STUDIO = """
from pyblish.api import ContextPlugin, InstancePlugin, ValidatorOrder, IntegratorOrder
from resilver_publish.state import clip_of, state_of

class NamesHaveReels(InstancePlugin):
    label = "Names have reels"
    order = ValidatorOrder + 0.05
    families = ["shot"]

    def process(self, instance):
        assert "reel" in clip_of(instance).clip.name, "call the clip by its reel"

class OnlyElsewhere(ContextPlugin):
    hosts = ["resolve"]
    order = ValidatorOrder

    def process(self, context):
        raise RuntimeError("not in this host")

class Asleep(ContextPlugin):
    active = False
    order = ValidatorOrder

    def process(self, context):
        raise RuntimeError("not active")

class Note(ContextPlugin):
    order = IntegratorOrder + 0.1

    def process(self, context):
        state = state_of(context)
        state.report.append(f"{len(state.placements)} clips were noted")
"""


def test_a_studio_s_plug_ins_join_by_their_order(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    (tmp_path / "studio.py").write_text(STUDIO)
    (tmp_path / "_helper.py").write_text("raise RuntimeError('not a plug-in')")
    plugins = (*PLUGINS, *studio_plugins(tmp_path))
    assert {plugin.__name__ for plugin in plugins[len(PLUGINS) :]} == {
        "NamesHaveReels", "OnlyElsewhere", "Asleep", "Note"
    }  # fmt: skip
    session = host.lay([*TWO, Laid("scan 7", start=60)])
    (problem,) = Publication(session, client, order(tmp_path), plugins).run().problems
    assert problem.plugin == "Names have reels"
    assert problem.error.what == "call the clip by its reel"
    assert problem.clip == session.selection()[2].id
    assert problem.repairs == (Repair.LEAVE_OUT,)
    outcome = Publication(session, client, order(tmp_path, leave_out=frozenset({problem.clip})), plugins).run()
    assert outcome.problems == ()
    assert "2 clips were noted" in outcome.report
    assert "scan 7 was left out" in outcome.report


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_like_this", "ModuleNotFoundError"),
        ("def process(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("from pyblish.api import ContextPlugin\nclass P(ContextPlugin):\n    families = 'shot'\n", "the plug-in P"),
        ("from pyblish.api import ContextPlugin\nclass P(ContextPlugin):\n    requires = 'pyblish>=99'\n", "plug-in P"),
    ],
)
def test_a_broken_file_of_a_studio_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "fine.py").write_text(STUDIO)
    file = tmp_path / "broken.py"
    file.write_text(text)
    with pytest.raises(errors.InvalidRequest, match=said) as caught:
        studio_plugins(str(tmp_path))
    assert caught.value.where == str(file)


def test_a_studio_s_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidRequest, match="elsewhere"):
        studio_plugins(tmp_path / "elsewhere")
