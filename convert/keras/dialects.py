"""One vocabulary out of three: names and settings of Keras 1, 2 and 3 layers as Keras 2 and 3 call them."""

from convert.errors import RefusalError
from convert.graph.layer_graph import Config, Setting, Shape
from convert.keras.dialect_operations import name_operation

MODEL_KINDS = {"Sequential", "Functional", "Model"}

_RENAMED = {
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "SeparableConvolution1D": "SeparableConv1D",
    "SeparableConvolution2D": "SeparableConv2D",
    "DepthwiseConvolution2D": "DepthwiseConv2D",
    "Deconvolution2D": "Conv2DTranspose",
    "Convolution2DTranspose": "Conv2DTranspose",
    "GlobalMaxPool1D": "GlobalMaxPooling1D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "GlobalAvgPool1D": "GlobalAveragePooling1D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "MaxPool1D": "MaxPooling1D",
    "MaxPool2D": "MaxPooling2D",
    "MaxPool3D": "MaxPooling3D",
    "AvgPool1D": "AveragePooling1D",
    "AvgPool2D": "AveragePooling2D",
    "AvgPool3D": "AveragePooling3D",
    "BatchNormalizationV1": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "LSTMV1": "LSTM",
    "LSTMV2": "LSTM",
    "GRUV1": "GRU",
    "GRUV2": "GRU",
}
_KERAS1_SETTINGS = {
    "output_dim": "units",
    "bias": "use_bias",
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "subsample_length": "strides",
    "subsample": "strides",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "inner_activation": "recurrent_activation",
    "atrous_rate": "dilation_rate",
    "pool_length": "pool_size",
    "stride": "strides",
    "p": "rate",
}
_MERGE_MODES = {
    "sum": "Add",
    "mul": "Multiply",
    "ave": "Average",
    "max": "Maximum",
    "concat": "Concatenate",
}


def read_major_version(version: str) -> int:
    """1, 2 or 3 from a version such as "2.15.0" or "2.4.3-tf"."""
    head = version.split(".", maxsplit=1)[0]
    return int(head) if head.isdigit() and int(head) in (1, 2, 3) else 2


def zeroes_masked_steps_both_ways(version: str) -> bool:
    """Whether Bidirectional sequences have 0 at masked steps: tf.keras from its beginning, not the older Keras."""
    numbers = [int(step) for step in version.split("-", maxsplit=1)[0].split(".") if step.isdigit()]
    return version.endswith("-tf") or numbers[:2] >= [2, 4]


def find_kind(entry: Config) -> str:
    """An entry's class in our vocabulary; what is registered by its author keeps its package ("my>Gate")."""
    class_name = str(entry.get("class_name", ""))
    registered = entry.get("registered_name")
    module = entry.get("module")
    operation = name_operation(entry)
    if operation is not None:
        return operation
    if isinstance(registered, str) and ">" in registered and not registered.startswith("keras"):
        return registered
    if isinstance(module, str) and not module.startswith(("keras", "tf_keras", "tensorflow.")):
        return f"{module}.{class_name}"
    return _RENAMED.get(class_name, class_name)


def translate_settings(entry: Config, kind: str, keras: int) -> tuple[str, Config]:
    """A layer's kind and settings, in Keras 2 and 3's words."""
    config = entry.get("config")
    if not isinstance(config, dict):
        raise RefusalError(f"The layer {entry.get('name') or kind!r} has no settings.", "The file is damaged.")
    config = dict(config)
    if keras == 1:
        kind, config = _from_keras1(kind, config)
    if kind == "GRU":
        config.setdefault("reset_after", False)
    if isinstance(config.get("axis"), list) and len(config["axis"]) == 1:
        config["axis"] = config["axis"][0]
    return kind, config


def _from_keras1(kind: str, config: Config) -> tuple[str, Config]:
    for old, new in _KERAS1_SETTINGS.items():
        if old in config and new not in config:
            config[new] = config[old]
    if config.get("data_format") in ("th", "tf"):
        config["data_format"] = "channels_first" if config["data_format"] == "th" else "channels_last"
    for sizes in (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3")):
        if all(size in config for size in sizes):
            config["kernel_size"] = [config[size] for size in sizes]
    if kind in ("LSTM", "GRU", "SimpleRNN"):
        config.setdefault("recurrent_activation", "hard_sigmoid")
        config["use_bias"] = True
        config["reset_after"] = False
    if kind == "Merge":
        kind = _merge_kind(config)
        config["axis"] = config.get("concat_axis", -1)
    if kind == "BatchNormalization":
        if config.get("mode", 0) != 0:
            raise RefusalError(
                f"The layer {config.get('name')} normalizes by mode {config['mode']}, which needs a whole batch.",
                "Train it again with mode 0.",
            )
        config.setdefault("epsilon", 1e-5)
    return kind, config


def _merge_kind(config: Config) -> str:
    mode = config.get("mode")
    if mode not in _MERGE_MODES:
        raise RefusalError(
            f"The layer {config.get('name')} merges by {mode!r}.", "Rewrite it with Add, Multiply or Concatenate."
        )
    return _MERGE_MODES[mode]


def read_input_shape(config: Config) -> Shape | None:
    """The input shape that a first layer or InputLayer declares, batch first; None where it declares none."""
    for key in ("batch_shape", "batch_input_shape"):
        shape = config.get(key)
        if isinstance(shape, (list, tuple)):
            return _shape(shape)
    shape = config.get("input_shape")
    if isinstance(shape, (list, tuple)):
        return (None, *_shape(shape))
    if isinstance(config.get("input_dim"), int) and "input_length" in config:
        return (None, config["input_length"], config["input_dim"])
    return None


def _shape(sizes: Setting) -> Shape:
    shape = tuple(None if size is None else int(size) for size in sizes)
    if any(size is not None and size < 1 for size in shape[1:]):
        raise RefusalError(f"An input has the impossible shape {shape}.", "The file is damaged.")
    return shape
