"""Plain data: what JSON holds, and what is made of it."""

from typing import Any

Json = Any
"""Anything that json.loads gives."""
