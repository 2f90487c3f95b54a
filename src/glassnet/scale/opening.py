"""Opens the place where a run in lanes is computed: this process, workers that it starts, or a cluster of Dask."""

from __future__ import annotations

from typing import Any

from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.scale.backend import Backend, LocalBackend

TIMEOUT = 60.0  # seconds
INSTALL = "training on a cluster needs Dask: pip install 'glassnet[dask]'"


def opened_backend(client: Any = None, timeout: float | None = None) -> Backend:
    """The backend that `client` names: a Client of Dask, None for workers on this machine, False for this process.

    `timeout` is for how many seconds a worker may give no sign of life. Raises ParameterError without Dask.
    """
    if client is False:
        return LocalBackend()
    try:
        import distributed

        from glassnet.scale.dask import DaskBackend
    except ImportError:
        raise ParameterError(f"{INSTALL}, or pass client=False.") from None
    if client is not None and not isinstance(client, distributed.Client):
        raise ParameterTypeError(f"client is of type {type(client).__name__}; pass a Client of Dask, None or False.")
    return DaskBackend(client, TIMEOUT if timeout is None else timeout)
