"""What a host plugin must carry for the client: grpcio, protobuf, googleapis-common-protos, and nothing else."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import sys
allowed = {"resilver", "resilver_client", "grpc", "google", "typing_extensions", "cython_runtime"}
allowed |= set(sys.stdlib_module_names)
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed:
            raise ModuleNotFoundError(f"not in a host: {name}", name=name)
sys.meta_path.insert(0, Nothing())
import resilver_client.client, resilver_client.launch, resilver_client.status
"""


def test_the_client_needs_nothing_but_grpc_and_protobuf() -> None:
    """As in a host: whatever else is asked for is not there. (grpcio itself needs typing_extensions.)"""
    run = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_raising_an_error_loads_no_grpc() -> None:
    script = "import sys, resilver_client.errors, resilver_client.home; print('grpc' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
