"""One vocabulary for the bare operations in functional models: TensorFlow's of Keras 2, `keras.ops` of Keras 3."""

from convert.graph.layer_graph import Config

_TENSORFLOW = {
    "add": "op.add", "bias_add": "op.bias_add", "subtract": "op.subtract", "multiply": "op.multiply",
    "divide": "op.divide",
    "truediv": "op.divide", "maximum": "op.maximum", "minimum": "op.minimum", "pow": "op.power",
    "matmul": "op.matmul", "concat": "op.concatenate", "stack": "op.stack", "reshape": "op.reshape",
    "transpose": "op.transpose", "expand_dims": "op.expand_dims", "squeeze": "op.squeeze",
    "reduce_mean": "op.mean", "reduce_sum": "op.sum", "reduce_max": "op.max", "reduce_min": "op.min",
    "relu": "op.relu", "relu6": "op.relu6", "leaky_relu": "op.leaky_relu", "sigmoid": "op.sigmoid",
    "tanh": "op.tanh", "softmax": "op.softmax", "exp": "op.exp", "log": "op.log", "sqrt": "op.sqrt",
    "rsqrt": "op.rsqrt", "square": "op.square", "abs": "op.abs", "negative": "op.negative",
    "clip_by_value": "op.clip", "cast": "op.cast", "getitem": "op.slice",
    "convert_to_tensor": "op.identity", "identity": "op.identity",
}  # fmt: skip
_PACKAGES = ("math.", "nn.", "linalg.", "__operators__.", "compat.v1.", "compat.v2.", "keras.activations.", "")
_KERAS3 = {
    "Add": "op.add", "Subtract": "op.subtract", "Multiply": "op.multiply", "Divide": "op.divide",
    "TrueDivide": "op.divide", "Maximum": "op.maximum", "Minimum": "op.minimum", "Power": "op.power",
    "Matmul": "op.matmul", "Concatenate": "op.concatenate", "Stack": "op.stack", "Reshape": "op.reshape",
    "Transpose": "op.transpose", "Squeeze": "op.squeeze", "Mean": "op.mean",
    "Sum": "op.sum", "Max": "op.max", "Min": "op.min", "Relu": "op.relu", "Relu6": "op.relu6",
    "LeakyRelu": "op.leaky_relu", "Sigmoid": "op.sigmoid", "Tanh": "op.tanh", "Softmax": "op.softmax",
    "Exp": "op.exp", "Log": "op.log", "Sqrt": "op.sqrt", "Rsqrt": "op.rsqrt", "Square": "op.square",
    "Absolute": "op.abs", "Abs": "op.abs", "Negative": "op.negative", "Clip": "op.clip", "Cast": "op.cast",
    "GetItem": "op.slice", "ConvertToTensor": "op.identity",
}  # fmt: skip
_TRUTHS = {
    "ExpandDims",
    "NotEqual",
    "Equal",
    "Any",
    "All",
    "LogicalOr",
    "LogicalAnd",
    "LogicalNot",
    "ZerosLike",
    "OnesLike",
}
"""Those of Keras 3's masks, which are known by its own names."""


def name_operation(entry: Config) -> str | None:
    """A bare operation's kind in one vocabulary ("op.add"), None for what is no bare operation."""
    class_name, module, config = str(entry.get("class_name", "")), entry.get("module"), entry.get("config")
    if class_name in ("TFOpLambda", "SlicingOpLambda") and isinstance(config, dict):
        function = str(config.get("function", ""))
        package, _, name = function.rpartition(".")
        known = (f"{package}." if package else "") in _PACKAGES
        return _TENSORFLOW.get(name, f"tf.{function}") if known else f"tf.{function}"
    if class_name in _TRUTHS:
        return None
    if isinstance(module, str):
        return _KERAS3.get(class_name, f"keras.ops.{class_name}") if module.startswith("keras.src.ops") else None
    return _KERAS3.get(class_name) if _is_bare(entry) else None


def _is_bare(entry: Config) -> bool:
    """Keras 3 leaves the module out of .h5 files: a call in its own words of what cannot be trained is no layer."""
    config, inbound = entry.get("config"), entry.get("inbound_nodes")
    called = isinstance(inbound, list) and bool(inbound) and isinstance(inbound[0], dict)
    return called and isinstance(config, dict) and "trainable" not in config
