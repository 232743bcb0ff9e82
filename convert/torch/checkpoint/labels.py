"""Labels that a checkpoint's hyper-parameters hold: a list keeps its order, a dict of name → index goes by index."""

from convert.errors import RefusalError
from convert.pickles.values import Value
from convert.torch.checkpoint.checkpoint import Checkpoint

KEYS = (
    "class_names",
    "classes",
    "labels",
    "label_names",
    "label_to_idx",
    "idx_to_label",
    "class_to_idx",
    "idx_to_class",
)


def find_labels(checkpoint: Checkpoint, classes: int) -> tuple[tuple[str, ...] | None, list[str]]:
    """(labels or None, notes). RefusalError where they are names, but not as many as the head has outputs."""
    for key in KEYS:
        names = order_labels(checkpoint.hyper_parameter(key))
        if names is None:
            continue
        if len(names) != classes:
            raise RefusalError(
                f"The file stores {len(names)} labels ({key}); the network has {classes} outputs.",
                "Give one label for each output, in their order: --labels FILE.",
            )
        if len(set(names)) != len(names):
            raise RefusalError(f"The file's labels ({key}) have a name twice.", "Give them with --labels FILE.")
        return names, [f"Labels were found in the file ({key})."]
    return None, []


def order_labels(value: Value) -> tuple[str, ...] | None:
    """A list of names, a dict of name → index or of index → name; None for anything else."""
    if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
        return tuple(value)
    if not isinstance(value, dict) or not value:
        return None
    if all(isinstance(index, int) and not isinstance(index, bool) for index in value.values()):
        pairs = [(index, name) for name, index in value.items()]
    elif all(isinstance(name, str) and index.isdigit() for index, name in value.items()):
        pairs = [(int(index), name) for index, name in value.items()]
    else:
        return None
    if sorted(index for index, _ in pairs) != list(range(len(pairs))):
        raise RefusalError(f"The file's label indices are not 0 to {len(pairs) - 1}.", "Give them with --labels FILE.")
    return tuple(name for _, name in sorted(pairs))
