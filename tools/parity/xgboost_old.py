"""Small forests of an earlier XGBoost and what it answers, for tests/data/xgboost.

Run it with the version that is to be kept, in an environment of its own (xgboost 1.7.6, xgboost-cpu 2.1.4):

    python tools/parity/xgboost_old.py tests/data/xgboost
"""

import sys
from pathlib import Path

import numpy as np
import xgboost

FEATURES = 40


def main(folder: Path) -> None:
    tag = "_".join(xgboost.__version__.split(".")[:2])
    rng = np.random.default_rng(7)
    whole = rng.normal(size=(160, FEATURES)).astype(np.float32)
    holes = whole.copy()
    holes[rng.random(whole.shape) < 0.15] = np.nan
    score = whole[:, 0] + 0.5 * whole[:, 11] - whole[:, 31]
    rows = np.concatenate([whole[:12], holes[:12], np.full((1, FEATURES), np.nan, np.float32)])
    cases = {
        "binary.json": ({"objective": "binary:logistic", "base_score": 0.3}, score > 0, 4),
        "three.ubj": ({"objective": "multi:softprob", "num_class": 3}, np.digitize(score, [-0.7, 0.7]), 2),
        "value.json": ({"objective": "reg:squarederror", "base_score": 1.25}, 2 + score, 4),
    }
    for name, (parameters, wanted, rounds) in cases.items():
        shared = {"max_depth": 3, "eta": 0.4, "seed": 3, "nthread": 1}
        booster = xgboost.train({**shared, **parameters}, xgboost.DMatrix(holes, wanted), rounds)
        booster.save_model(folder / f"{tag}_{name}")
        asked = xgboost.DMatrix(rows)
        np.savez_compressed(
            folder / f"{tag}_{name.partition('.')[0]}.npz",
            x=rows,
            margin=booster.predict(asked, output_margin=True),
            y=booster.predict(asked),
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
