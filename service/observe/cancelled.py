"""ObservationCancelled: how work ends that nobody waits for. Imports nothing: a slot's process loads it first."""


class ObservationCancelled(Exception):  # noqa: N818 - no error, but how a call is ended
    """The call was stopped from outside: nobody waits for an answer, or another call goes before it."""
