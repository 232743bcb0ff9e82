"""How work that nobody waits for any more ends. Imports nothing: a slot's process loads it first."""


class ObservationCancelledError(Exception):
    """The call was stopped from outside: nobody waits for an answer, or another call goes before it."""
