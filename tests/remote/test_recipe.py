"""The page on servers elsewhere: its cell for a notebook does what it says."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from resilver_client.client import connect
from support.far import printed_line
from support.serving import environment
from support.shared import ROOT


def test_the_cell_starts_a_server_and_shows_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = (ROOT / "docs" / "remote.md").read_text().partition("```python\n")[2].partition("```")[0]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = str(ROOT / ".venv" / "bin" / "resilver")
    if not Path(command).exists():
        pytest.skip("resilver is not installed in .venv")
    for name, value in environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(cell.replace('"resilver",', f"{command!r},").replace("7433", str(port)), "remote.md", "exec"), names)
    try:
        line = printed_line(tmp_path / "resilver.log")
        assert line.address in capsys.readouterr().out
        with connect(line.address, line.token) as client:
            assert client.server_info().remote
    finally:
        names["server"].terminate()  # type: ignore[attr-defined]
        names["server"].wait(30)  # type: ignore[attr-defined]
