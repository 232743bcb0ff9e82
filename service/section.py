"""What all manifest sections have in common: unknown fields are refused and values are frozen."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of a manifest. A typo must not pass silently, so nothing beyond the declared fields is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
