#!/bin/sh
# Parity with real scikit-learn of five versions: makes their environments once, fits one model of each family in each,
# writes docs/parity/sklearn.md. The versions of 2020 and 2021 need Python 3.9 (PYTHON39) and are left out without it.
# Usage: tools/parity/sklearn.sh [FOLDER]   (default .venv-parity; 1.5 GB, about 5 minutes the first time, then 2)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${1:-$root/.venv-parity}
mkdir -p "$work"
old=${PYTHON39:-$(command -v python3.9 || true)}

zoo() { # VERSION PYTHON REQUIREMENT...
    version=$1 python=$2
    shift 2
    if [ ! -e "$work/sklearn-$version/ready.stamp" ]; then
        "$python" -m venv "$work/sklearn-$version"
        "$work/sklearn-$version/bin/pip" install -q --disable-pip-version-check --only-binary :all: "$@"
        touch "$work/sklearn-$version/ready.stamp"
    fi
    rm -rf "$work/sklearn-zoo/$version"
    PYTHONDONTWRITEBYTECODE=1 "$work/sklearn-$version/bin/python" "$here/sklearn/zoo.py" "$work/sklearn-zoo/$version"
}

if [ -n "$old" ] && "$old" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 9))'; then
    zoo 0.24 "$old" "scikit-learn==0.24.2" "numpy==1.19.5" "scipy<1.8" "joblib==1.0.1"
    zoo 1.0 "$old" "scikit-learn==1.0.2" "numpy<1.24"
else
    echo "0.24 and 1.0 are left out: they need Python 3.9 (PYTHON39=/path/to/python3.9)" >&2
fi
zoo 1.3 python3.11 "scikit-learn==1.3.2" "numpy<2"
zoo 1.6 python3.11 "scikit-learn==1.6.1"
zoo 1.9 python3.11 "scikit-learn==1.9.1"
cd "$root"
PYTHONPATH=. .venv/bin/python -m tools.parity.sklearn.compare "$work/sklearn-zoo" --page docs/parity/sklearn.md
