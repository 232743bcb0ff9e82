#!/bin/sh
# Landmark networks against ai-edge-litert, and the landmark engine against MediaPipe; docs/parity/landmarks.md.
# Needs the test data (SIGN_TESTDATA) and npm, which fetches @mediapipe/holistic where NPM_HOLISTIC does not name it.
# Usage: tools/parity/landmarks.sh [FOLDER]   (about 10 minutes)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${1:-$root/.venv-parity/landmarks}
litert=${PARITY_LITERT_VENV:-$root/.venv-parity/litert}
python=${PYTHON:-$root/.venv/bin/python}
npm=${NPM_HOLISTIC:-$("$here/../landmarks/npm.sh" "$work")}
testdata=${SIGN_TESTDATA:?names the folder of the test data}
mkdir -p "$work"
[ -x "$litert/bin/python" ] || "$python" -m venv "$litert"
"$litert/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements-landmarks.txt"
cd "$root"
export GLOG_minloglevel=3
"$python" -m tools.parity.landmarks inputs "$work" --npm "$npm"
"$litert/bin/python" "$here/landmarks_litert.py" "$work" 2>"$work/litert.log" || { tail -n 20 "$work/litert.log"; exit 1; }
"$python" -m tools.parity.landmarks compare "$work" "$testdata" --out docs/parity/landmarks.md
