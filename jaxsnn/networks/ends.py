"""Where a connection begins and ends: populations, the neurons chosen of them, and a port."""

from __future__ import annotations

from ..connectivity.chosen import End
from ..models import known
from .population import Population
from .projection import Connection


def ends_of(populations: dict[str, Population], connection: Connection) -> tuple[End, End, str]:
    """The populations that a connection goes from and to, with the neurons it is between, and the port."""
    (pre, senders), (path, receivers) = connection.ends
    if pre not in populations:
        raise ValueError(f"there is no population {pre!r}; there are {known(populations)}")
    if connection.synapse is not None:
        if path not in populations:
            raise ValueError(f"there is no population {path!r}, which alone synapses by equations name as post; there "
                             f"are {known(populations)}")  # fmt: skip
        post, port = path, ""
    else:
        post, _, port = port_of(populations, path)[0].partition(".")
    a, b = (End(name, populations[name].n, positions=populations[name].positions) for name in (pre, post))
    return (
        a.choose(senders, f"Connection.pre {connection.pre!r}"),
        b.choose(receivers, f"Connection.post {connection.post!r}"),
        port,
    )


def port_of(populations: dict[str, Population], path: str) -> tuple[str, int]:
    """A port by its path, `"E.exc"`, or `"E"` where there is one, and how many neurons it has."""
    name, _, port = path.partition(".")
    if name not in populations:
        raise ValueError(f"Got {path!r}, but there is no population {name!r}; there are {known(populations)}.")
    ports = populations[name].ports
    if not port:
        if len(ports) != 1:
            options = known(f"{name}.{p}" for p in ports)
            raise ValueError(f"Got {path!r}, but {name!r} has {len(ports)} ports; name one of {options}.")
        (port,) = ports
    if port not in ports:
        raise ValueError(f"Got {path!r}, but {name!r} has no port {port!r}; it has {known(ports)}.")
    return f"{name}.{port}", populations[name].n
