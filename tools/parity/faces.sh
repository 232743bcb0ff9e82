#!/bin/sh
# From file bytes to a face's numbers, ours against HSEmotion's and the FER-2013 networks' own steps; docs/parity/faces.md.
# Needs the test data (SIGN_TESTDATA), and the environments of pixels.sh and torch.sh, which it makes where they are not
# there. Usage: tools/parity/faces.sh [FOLDER]   (about 3 minutes)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${1:-$root/.venv-parity/faces}
authors=$root/.venv-parity/authors
torch=${PARITY_TORCH_VENV:-$root/.venv-parity-torch}
testdata=${SIGN_TESTDATA:?names the folder of the test data}
[ -e "$authors/ready.stamp" ] || "$here/pixels.sh"
PARITY_TORCH_VENV="$torch" "$here/torch_env.sh"
# HSEmotion's Resize is Pillow's, and Pillow 13 scales rows first: another order of rounding
[ -d "$torch/pillow-11.3" ] || "$torch/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --target "$torch/pillow-11.3" pillow==11.3.0
cd "$root"
rm -rf "$work/store" "$work/models"
mkdir -p "$work"
export GLOG_minloglevel=3
.venv/bin/python tools/parity/faces.py media "$work" "$testdata"
PYTHONDONTWRITEBYTECODE=1 "$authors/bin/python" tools/parity/faces_authors.py "$work" "$testdata" 2>"$work/authors.log" \
    || { tail -n 20 "$work/authors.log"; exit 1; }
PYTHONPATH="$torch/pillow-11.3:." "$torch/bin/python" -W ignore -m tools.parity.faces_hsemotion "$work"
for file in "$work"/models/*.pt; do
    name=$(basename "$file" .pt | tr _ -)
    "$torch/bin/python" -W ignore -m convert torch "$file" --name "$name" --store "$work/store"
done
b0=$work/models/enet_b0_8_va_mtl.pt
"$torch/bin/python" -W ignore -m convert torch "$b0" --name everyone --store "$work/store" --set faces=mean >/dev/null
"$torch/bin/python" -W ignore -m convert torch "$b0" --name features --store "$work/store" --features >/dev/null
.venv/bin/python tools/parity/faces.py compare "$work" "$testdata" --out docs/parity/faces.md 2>"$work/ours.log" \
    || { tail -n 20 "$work/ours.log"; exit 1; }
