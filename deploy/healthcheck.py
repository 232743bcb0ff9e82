"""The container's health check: exits 0 when the service is ready, else 1 with what it answered."""  # noqa: INP001

import os
import ssl
import sys
from urllib.error import HTTPError, URLError
from urllib.request import HTTPSHandler, ProxyHandler, build_opener


def readiness_problem(environ: dict[str, str]) -> str | None:
    """None when /readyz of the service in this container answers 200, else why not."""
    scheme = "https" if environ.get("SIGN_TLS_CERT") else "http"
    url = f"{scheme}://127.0.0.1:{environ.get('SIGN_PORT', '8000')}/readyz"
    # Our own process, by its address: the name in its certificate says nothing here, and no proxy is on the way.
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    try:
        with build_opener(ProxyHandler({}), HTTPSHandler(context=unverified)).open(url, timeout=4):
            return None
    except HTTPError as error:
        return f"{error.code} {error.read(2000).decode(errors='replace')}"
    except (URLError, OSError) as error:
        return f"no answer from {url}: {error}"


if __name__ == "__main__":
    sys.exit(readiness_problem(dict(os.environ)))
