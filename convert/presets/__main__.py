"""Writes the presets' sections for the service, which never imports them from here: `make schema`."""

from convert.presets.table import PRESETS
from service.pipelines import Described
from service.pipelines.kind import needs_a_model
from service.pipelines.presets import FILE, to_file


def looking_sections() -> dict[str, Described]:
    """The sections of the presets that look by themselves; of others a network's answers are the features."""
    return {
        name: preset.pipeline
        for name, preset in PRESETS.items()
        if (observing := preset.pipeline.observing) is not None and not needs_a_model(observing)
    }


if __name__ == "__main__":
    FILE.write_text(to_file(looking_sections()))
