"""Write the engine's networks from Google's: python -m tools.landmarks --npm FOLDER [--heavy] [--out FOLDER].

The .tflite files of MediaPipe's wheel lie in the development environment; those of the npm package @mediapipe/holistic
in FOLDER, unpacked. --heavy: Holistic's complexity 2 as well, whose 27 MB are not part of the repository.
"""

import argparse
import hashlib
import json
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tools.landmarks.build import build
from tools.landmarks.networks import NETWORKS, LandmarkNetwork

STORE = Path(__file__).resolve().parents[2] / "model_store" / "landmarks"
LIST = "networks.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--npm", type=Path, required=True, help="the npm package @mediapipe/holistic, unpacked")
    parser.add_argument("--heavy", action="store_true")
    parser.add_argument("--out", type=Path, default=STORE)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    entries = []
    for network in NETWORKS:
        if not network.optional or arguments.heavy:
            entries.append(_write(network, source_folder(network, arguments.npm), arguments.out, arguments.npm))
            print(f"{entries[-1]['file']:20} {entries[-1]['bytes'] / 1e6:6.2f} MB")
    text = json.dumps({"license": "Apache-2.0", "networks": entries}, indent=2)
    (arguments.out / LIST).write_text(f"{text}\n", encoding="utf-8")


def source_folder(network: LandmarkNetwork, npm: Path) -> Path:
    """Where the network's file lies: in MediaPipe's wheel, as installed, or in the npm package."""
    if network.source == "npm":
        return npm
    found = find_spec("mediapipe")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("mediapipe is not installed here: run this with the development environment.")
    return Path(found.submodule_search_locations[0]).parent


def _write(network: LandmarkNetwork, folder: Path, out: Path, npm: Path) -> dict[str, Any]:
    data = (folder / network.path).read_bytes()
    model = build(data, network)
    written = model.SerializeToString(deterministic=True)
    file = f"{network.name}.onnx"
    (out / file).write_bytes(written)
    package = (
        f"mediapipe {distribution('mediapipe').version}"
        if network.source == "wheel"
        else "@mediapipe/holistic {}".format(json.loads((npm / "package.json").read_text("utf-8"))["version"])
    )
    return {
        "file": file,
        "bytes": len(written),
        "sha256": hashlib.sha256(written).hexdigest(),
        "from": {"package": package, "path": network.path.as_posix(), "sha256": hashlib.sha256(data).hexdigest()},
    }


if __name__ == "__main__":
    main()
