"""What of a head was read from its file, what its caller said, and what was assumed; a sentence for each assumption."""

from convert.model_info import Origin
from convert.torch.heads.choose import Choice, has_default_norms
from convert.torch.heads.flags import HeadFlags
from convert.torch.heads.graph import EPSILON
from convert.torch.heads.parts import HeadParts
from convert.torch.heads.steps import Step, format_order

Facts = tuple[tuple[str, str, Origin], ...]


def list_assumptions(head: HeadParts, flags: HeadFlags, choice: Choice) -> tuple[str, ...]:
    """Sentences on what nobody said; none of what a golden file proves."""
    sentences = [] if choice.settled else _list_differences(head, flags, choice)
    if has_default_norms(head) and not choice.proven:
        sentences.append(f"norms: epsilon {EPSILON:g}, PyTorch's own (--order 'NAME:eps=…')")
    if any(one.kind == "RNN" for one in head.parts) and not choice.proven:
        sentences.append("RNN: its function is tanh")
    return tuple(sentences)


def list_head_facts(head: HeadParts, flags: HeadFlags, choice: Choice) -> Facts:
    """The structure as facts: the parts are always in the file; their order is, where nothing else fits."""
    said = {
        "readout": flags.readout,
        "hidden": flags.hidden,
        "padding": flags.padding,
        "pool": flags.pool,
        "steps": flags.steps,
        "masked": flags.masked or None,
    }
    said_so = flags.order or choice.proven or not choice.evidence.settled
    order: Origin = "assumed" if not choice.settled else "declared" if said_so else "read"
    value = format_order(choice.structure.steps)
    if choice.proven:
        value += f" (the one of {choice.tried} structures that gives the golden file's outputs)"
    parts: tuple[str, str, Origin] = ("parts", "; ".join(f"{one.name} {one.describe()}" for one in head.parts), "read")
    declared: Facts = tuple((name, str(one), "declared") for name, one in said.items() if one is not None)
    return (parts, ("structure", value, order), *declared)


def _list_differences(head: HeadParts, flags: HeadFlags, choice: Choice) -> list[str]:
    """What the structures that fit differ in, as the first has it."""
    sentences = []
    structure = choice.structure
    everything = (structure, *choice.others)
    part = head.last_in_time
    readout = _name(structure.steps, "readout")
    if len({_name(one.steps, "readout") for one in everything}) > 1:
        sentences.append(f"readout: {readout} of the steps (--readout last|hidden|mean|max)")
    if part is not None and part.bidirectional and readout == "last" and flags.readout is None:
        sentences.append(
            "readout: last is out[:, -1], where the backward direction has seen one step (--readout hidden for h_n)"
        )
    if len({_list_functions(one.steps) for one in everything}) > 1:
        sentences.append(f"hidden: {_describe_functions(structure.steps)} (--hidden, or --order for where)")
    if len({_list_kind(one.steps, "pool") for one in everything}) > 1:
        pools = " ".join(step.format() for step in structure.steps if step.kind == "pool") or "none"
        sentences.append(f"pooling: {pools} between the convolutions (--pool max:2|none)")
    if len({_list_paddings(one.steps) for one in everything}) > 1:
        sentences.append(f"padding: {_describe_padding(structure.steps)} (--padding same|valid)")
    if len(structure.lengths) > 1:
        shown = f"{structure.lengths[0]} to {structure.lengths[-1]}"
        sentences.append(f"steps: {structure.length}, where {shown} would fit (--steps)")
    return sentences or [f"order: {format_order(structure.steps)} (--order)"]


def _describe_padding(steps: tuple[Step, ...]) -> str:
    paddings = {str(step.option("padding", "")) for step in steps if step.kind == "part"} - {""}
    return "a convolution gives as many steps as it takes" if paddings == {"same"} else ", ".join(sorted(paddings))


def _list_kind(steps: tuple[Step, ...], kind: str) -> tuple[Step, ...]:
    return tuple(step for step in steps if step.kind == kind)


def _name(steps: tuple[Step, ...], kind: str) -> str:
    return next((step.name for step in steps if step.kind == kind), "")


def _list_functions(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The functions and what each stands behind."""
    return tuple(
        f"{steps[place - 1].name if place else ''}>{step.name}"
        for place, step in enumerate(steps)
        if step.kind == "function"
    )


def _describe_functions(steps: tuple[Step, ...]) -> str:
    found = [f"{step.name} behind {steps[place - 1].name}" for place, step in enumerate(steps)
             if step.kind == "function" and place]  # fmt: skip
    return ", ".join(found) or "no function between the layers"


def _list_paddings(steps: tuple[Step, ...]) -> tuple[object, ...]:
    return tuple(step.option("padding", "") for step in steps if step.kind == "part")
