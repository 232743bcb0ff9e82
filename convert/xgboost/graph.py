"""A Forest → ONNX: one tree ensemble of ai.onnx.ml, summing in float32 in the order in which XGBoost sums."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from convert.xgboost.forest import Forest

INPUT, OUTPUT = "x", "y"
_OPSET, _ML_OPSET, _IR = 17, 3, 8


def onnx_bytes(forest: Forest) -> bytes:
    """N × features → N × groups: margins, or exp of them where that is the objective's answer."""
    rates = forest.about.link == "exp"
    nodes = [_ensemble(forest, "margins" if rates else OUTPUT)]
    if rates:
        nodes.append(helper.make_node("Exp", ["margins"], [OUTPUT]))
    graph = helper.make_graph(
        nodes,
        "forest",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", forest.about.features])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", len(forest.base)])],
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR, producer_name="sign-service converter")
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _ensemble(forest: Forest, output: str) -> onnx.NodeProto:
    lengths = np.diff(forest.starts)
    trees = np.repeat(np.arange(forest.trees), lengths)
    places = np.concatenate([np.arange(length) for length in lengths])
    leaves = forest.left < 0
    leaf_values, base = _with_base(forest)
    return helper.make_node(
        "TreeEnsembleRegressor",
        [INPUT],
        [output],
        domain="ai.onnx.ml",
        nodes_treeids=trees.tolist(),
        nodes_nodeids=places.tolist(),
        nodes_featureids=forest.feature.tolist(),
        nodes_values=forest.threshold.tolist(),
        nodes_modes=np.where(leaves, "LEAF", "BRANCH_LT").tolist(),
        nodes_truenodeids=np.where(leaves, 0, forest.left).tolist(),
        nodes_falsenodeids=np.where(leaves, 0, forest.right).tolist(),
        nodes_missing_value_tracks_true=forest.default_left.astype(int).tolist(),
        target_treeids=trees[leaves].tolist(),
        target_nodeids=places[leaves].tolist(),
        target_ids=forest.groups[trees[leaves]].tolist(),
        target_weights=leaf_values[leaves].tolist(),
        base_values=base.tolist(),
        n_targets=len(forest.base),
        aggregate_function="SUM",
        post_transform="NONE",
    )


def _with_base(forest: Forest) -> tuple[np.ndarray, np.ndarray]:
    """Leaves whose sums need no base: XGBoost starts from it, ONNX Runtime would add it last and round otherwise."""
    leaf, base = forest.leaf.copy(), forest.base.copy()
    for group in range(len(base)):
        own = np.flatnonzero(forest.groups == group)
        if len(own):
            leaf[forest.starts[own[0]] : forest.starts[own[0] + 1]] += base[group]
            base[group] = 0
    return leaf, base
