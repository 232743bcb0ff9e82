"""What all manifest sections have in common: unknown fields are refused and values are frozen."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of a manifest. A typo must not pass silently, so nothing beyond the declared fields is taken.

    It is shown whole: to who reads it, a field with a default is as sure as any other.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, json_schema_serialization_defaults_required=True
    )
