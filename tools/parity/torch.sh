#!/bin/sh
# PyTorch's originals beside the converter: tests that need torch, figures, docs/parity/{pytorch,int8,clips}.md.
set -eu
cd "$(dirname "$0")/../.."
venv=${PARITY_TORCH_VENV:-.venv-parity-torch}
python="$venv/bin/python"
tools/parity/torch_env.sh
work=${WORK:-${TMPDIR:-/tmp}/parity-torch}
PYTHONPATH=. "$python" -W ignore -m pytest -c /dev/null --rootdir . -q -W ignore --import-mode=importlib \
    -p no:cacheprovider tools/parity/torch/tests
PYTHONPATH=. "$python" -W ignore -m tools.parity.torch.compare --work "$work" --table docs/parity/pytorch.md
PYTHONPATH=. "$python" -W ignore -m tools.parity.torch.trained --work "$work/trained" --page docs/parity/int8.md
if [ -z "${SIGN_TESTDATA:-}" ]; then
    echo "docs/parity/clips.md was left out: SIGN_TESTDATA names the folder of the videos that it needs" >&2
    exit 0
fi
PYTHONPATH=. "$python" -W ignore -m tools.parity.torch.videos media "$work" "$SIGN_TESTDATA"
PYTHONPATH="$venv/av-12.3.0:." "$python" -W ignore -m tools.parity.torch.videos_authors "$work" "$SIGN_TESTDATA"
PYTHONPATH=. "$python" -W ignore -m tools.parity.torch.videos compare "$work" "$SIGN_TESTDATA" \
    --page docs/parity/clips.md
