#!/bin/sh
# The environment with PyTorch's originals (pytorchvideo, torchvision, three timms, an old PyAV): once, 2 GB.
set -eu
cd "$(dirname "$0")/../.."
venv=${PARITY_TORCH_VENV:-.venv-parity-torch}
pip="$venv/bin/python -m pip install --quiet --disable-pip-version-check"
[ ! -f "$venv/ready.stamp" ] || exit 0
"${PYTHON:-python3.11}" -m venv "$venv"
$pip torch==2.13.0 # first and alone: plain pip takes the CPU build where the index has one
$pip --no-deps --require-hashes -r locks/convert-torch.lock
$pip --no-deps -r tools/parity/torch/requirements.txt
for version in 0.4.5 0.9.16; do
    $pip --no-deps --target "$venv/timm-$version" "timm==$version"
done
$pip --no-deps --target "$venv/av-12.3.0" av==12.3.0 # the PyAV of PyTorchVideo's time
touch "$venv/ready.stamp"
