"""Results in the form of other tools: methods here, and the functions in a room above, imported when one is called."""

from importlib import import_module
from typing import Any


class Exported:
    """What can be handed over: `to_neo` and the others are those of `jaxsnn.interop`."""

    def to_neo(self, **options: Any) -> Any:
        """A Neo `Block`: `interop.to_neo`."""
        return _to("neo", self, options)

    def to_pandas(self, **options: Any) -> Any:
        """Tables of pandas, by name: `interop.to_pandas`."""
        return _to("pandas", self, options)

    def to_xarray(self, **options: Any) -> Any:
        """A `Dataset` of xarray: `interop.to_xarray`."""
        return _to("xarray", self, options)

    def to_pynapple(self, **options: Any) -> Any:
        """Groups and frames of pynapple, by name: `interop.to_pynapple`."""
        return _to("pynapple", self, options)

    def to_nwb(self, **options: Any) -> Any:
        """An `NWBFile` of pynwb: `interop.to_nwb`."""
        return _to("nwb", self, options)


def _to(tool: str, what: Any, options: dict[str, Any]) -> Any:
    return getattr(import_module("jaxsnn.interop"), f"to_{tool}")(what, **options)
