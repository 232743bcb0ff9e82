"""Work without a medium: what a job can be besides a use case that walks through one."""

from collections.abc import Awaitable, Callable, Mapping

from service.jobs.spec import Job

Tell = Callable[[float], Awaitable[None]]
"""Is told the progress, 0 to 1, and notes it for whoever watches."""

Work = Callable[[Job, Tell], Awaitable[bytes]]
"""Does all of a job in one go and gives its answer as JSON; begun anew after an interruption, stopped by cancelling."""

Works = Mapping[str, Work]
"""By the kind of job."""

NO_WORKS: Works = {}
