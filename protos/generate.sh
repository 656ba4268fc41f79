#!/bin/sh
# Writes protos/python/resilver/v1 from protos/resilver/v1 with a pinned compiler.
#
# The compiler is older than the libraries that run its code, so that the code runs on every version that
# pyproject.toml allows (docs/decisions/0800-generated-code.md). It lives in an environment of its own.
#
#   PYTHON  interpreter that makes this environment, 3.11 or 3.12 (default python3)
#   OUT     folder to write to (default protos/python)
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
out=${OUT:-$root/protos/python}
tools=$root/.venv/proto-tools

if [ ! -x "$tools/bin/protoc-gen-mypy" ]; then
    "${PYTHON:-python3}" -m venv "$tools"
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check \
        grpcio-tools==1.62.3 mypy-protobuf==3.6.0 "protobuf<5" "setuptools<80"
fi

mkdir -p "$out/resilver/v1"
cd "$root/protos"
PATH="$tools/bin:$PATH" "$tools/bin/python" -m grpc_tools.protoc -I. \
    --python_out="$out" --mypy_out="quiet:$out" \
    --grpc_python_out="$out" --mypy_grpc_out="quiet:$out" \
    resilver/v1/*.proto
