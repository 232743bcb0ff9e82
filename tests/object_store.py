"""An S3 of this machine's own for tests: moto's server, with a bucket that nobody has used."""

import contextlib
import os
import uuid
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def running_store() -> Iterator[dict[str, str]]:
    """How a process reaches it, as environment; without the extra s3 and moto the test is left out."""
    pytest.importorskip("s3fs", reason="needs the extra s3")
    server = pytest.importorskip("moto.server", reason="needs moto").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        server.stop()


@contextlib.contextmanager
def reached(environment: dict[str, str]) -> Iterator[None]:
    """In the block this process reaches the store as well."""
    former = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in former.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def fresh_bucket() -> str:
    """The address of a folder in a bucket that nobody has used; only where the store is reached."""
    import s3fs  # noqa: PLC0415 - an extra

    name = f"jobs-{uuid.uuid4().hex[:12]}"
    s3fs.S3FileSystem(skip_instance_cache=True).mkdir(name)
    return f"s3://{name}/service"
