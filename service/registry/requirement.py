"""What a head needs of the model that it reads: checked when it is published, and again when it is loaded."""

from service.errors import InvalidModelError
from service.pipelines import Pipeline
from service.registry.manifest import Dimension, Manifest, Requires
from service.registry.states import Entry, ModelUnavailableError


def check_required(manifest: Manifest, required: Manifest) -> None:
    """Raise InvalidModelError where a model cannot read what the one that it requires gives."""
    taken = next(entry.shape[-1] for entry in manifest.inputs if entry.source == "track")
    check_reads(manifest.pipeline, taken, required)


def check_reads(pipeline: Pipeline, taken: Dimension | None, required: Manifest) -> None:
    """Raise InvalidModelError, with both figures, where an input `taken` wide cannot read what `required` gives.

    taken: None or a name where the graph takes any width.
    """
    who = f"{required.name} version {required.version}"
    if required.requires is not None:
        raise InvalidModelError(f"requires {who}, which itself requires another model; one step is the most")
    output = given = required.output.width
    head = pipeline.head
    if head is not None and isinstance(output, int):
        given = head.width(output)
    if taken == given or not isinstance(taken, int):
        return
    made = ""
    if head is not None and head.statistics is not None:
        made = f" ({', '.join(head.statistics)} of {output})"
    raise InvalidModelError(f"requires {who}, which gives {given} numbers{made}; the input takes {taken}")


def required_entry(manifest: Manifest, requires: Requires, found: Entry | None) -> Entry:
    """The version that a model reads from, found in the store; InvalidModelError where it cannot be read from.

    Asked before that version is waited for: two that require each other would never end.
    """
    who = f"{requires.name} version {requires.version}"
    if found is None:
        raise ModelUnavailableError(f"requires {who}, which is not in the store")
    if found.unloaded:
        raise ModelUnavailableError(f"requires {who}, which an operator unloaded")
    if found.manifest is not None:
        check_required(manifest, found.manifest)
    return found


def over_time_entry(found: Entry | None) -> Entry | None:
    """The version that answers over time for another one; None where it is not there, or names one itself.

    Asked before that version is waited for: two that name each other would never end.
    """
    if found is None or found.unloaded:
        return None
    names_another = found.manifest is not None and found.manifest.over_time is not None
    return None if names_another else found
