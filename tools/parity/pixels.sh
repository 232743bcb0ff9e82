#!/bin/sh
# From file bytes to probabilities, ours against the authors' own steps; writes docs/parity/pixels.md.
# Usage: tools/parity/pixels.sh [FOLDER]   (default .venv-parity; 2.5 GB, about 4 minutes the first time, then 2)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${1:-$root/.venv-parity}
mkdir -p "$work/pixels"

if [ ! -e "$work/authors/ready.stamp" ]; then
    python3.11 -m venv "$work/authors"
    "$work/authors/bin/pip" install -q -r "$here/requirements-pixels.txt"
    # --no-deps: cvzone asks for a second OpenCV, MediaPipe for jax and more that it does not use
    "$work/authors/bin/pip" install -q --no-deps cvzone==1.6.1 mediapipe==0.10.21
    touch "$work/authors/ready.stamp"
fi
"$root/.venv/bin/python" "$here/pixels.py" media "$work/pixels"
PYTHONDONTWRITEBYTECODE=1 "$work/authors/bin/python" "$here/pixels_authors.py" "$work/pixels" \
    >"$work/pixels/authors.log" 2>&1 || { tail -n 20 "$work/pixels/authors.log"; exit 1; }
"$root/.venv/bin/python" "$here/pixels.py" compare "$work/pixels" --out "$root/docs/parity/pixels.md"
