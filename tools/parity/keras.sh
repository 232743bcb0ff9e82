#!/bin/sh
# Parity with real Keras: makes the environments once, builds the zoos in them, writes docs/parity/keras.md.
# Usage: tools/parity/keras.sh [FOLDER]   (default .venv-parity; 4 GB, about 25 minutes the first time on two cores)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${1:-$root/.venv-parity}
mkdir -p "$work"

environment() { # NAME REQUIREMENTS
    [ -x "$work/$1/bin/python" ] && return
    python3.11 -m venv "$work/$1"
    # torch alone and first: plain pip then takes the CPU build where the index offers it
    if grep -q '^torch' "$here/$2"; then "$work/$1/bin/pip" install -q "$(grep '^torch' "$here/$2")"; fi
    "$work/$1/bin/pip" install -q -r "$here/$2"
}

zoo() { # NAME BACKEND
    KERAS_BACKEND=$2 PYTHONDONTWRITEBYTECODE=1 "$work/$1/bin/python" "$here/zoo.py" "$work/zoo-$1" >"$work/zoo-$1.log" 2>&1
    tail -n 1 "$work/zoo-$1.log"
}

environment keras2 requirements-keras2.txt
environment keras3 requirements-keras3.txt
environment keras3-tensorflow requirements-keras3-tensorflow.txt
zoo keras2 tensorflow
zoo keras3 torch
zoo keras3-tensorflow tensorflow
"$root/.venv/bin/python" "$here/compare.py" "$work/zoo-keras2" "$work/zoo-keras3" "$work/zoo-keras3-tensorflow" \
    --out "$root/docs/parity/keras.md"
