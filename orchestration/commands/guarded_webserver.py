"""`python -m orchestration.commands.guarded_webserver`: Dagster's webserver, which answers its own pages only.

The arguments are those of `dagster-webserver`, with --port. DagsterWebserver.build_middleware is the method with which
Dagster's own products put middleware around the application.
"""

import sys
from typing import Any

from dagster_webserver.cli import cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware

from orchestration.commands.same_origin import SameOrigin

_dagsters_own = DagsterWebserver.build_middleware


def _guarded(webserver: DagsterWebserver[Any, Any]) -> list[Middleware]:
    port = int(sys.argv[sys.argv.index("--port") + 1])
    return [Middleware(SameOrigin, port=port), *_dagsters_own(webserver)]


if __name__ == "__main__":
    DagsterWebserver.build_middleware = _guarded  # type: ignore[method-assign, assignment]
    cli()
