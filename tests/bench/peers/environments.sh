#!/bin/sh
# Makes the environments of LitServe and BentoML: FOLDER/litserve and FOLDER/bentoml. Usage: environments.sh FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?names the folder of the environments}
for peer in litserve bentoml; do
  [ -f "$folder/$peer/ready.stamp" ] && continue
  [ -x "$folder/$peer/bin/python" ] || "${PYTHON:-python3.11}" -m venv "$folder/$peer"
  "$folder/$peer/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements-$peer.txt"
  touch "$folder/$peer/ready.stamp"
done
