#!/bin/sh
# PyTorch's originals beside the converter: environment, tests that need torch, figures, docs/parity/pytorch.md.
set -eu
cd "$(dirname "$0")/../.."
venv=${PARITY_TORCH_VENV:-.venv-parity-torch}
python="$venv/bin/python"
pip="$python -m pip install --quiet --disable-pip-version-check"
if [ ! -f "$venv/ready.stamp" ]; then
    "${PYTHON:-python3.11}" -m venv "$venv"
    $pip torch==2.13.0 # first and alone: plain pip takes the CPU build where the index has one
    $pip --no-deps --require-hashes -r locks/convert-torch.lock
    $pip --no-deps -r tools/parity/torch/requirements.txt
    for version in 0.4.5 0.9.16; do
        $pip --no-deps --target "$venv/timm-$version" "timm==$version"
    done
    touch "$venv/ready.stamp"
fi
PYTHONPATH=. "$python" -W ignore -m pytest -c /dev/null --rootdir . -q -W ignore --import-mode=importlib \
    -p no:cacheprovider tools/parity/torch/tests
PYTHONPATH=. "$python" -W ignore -m tools.parity.torch.compare \
    --work "${WORK:-${TMPDIR:-/tmp}/parity-torch}" --table docs/parity/pytorch.md
