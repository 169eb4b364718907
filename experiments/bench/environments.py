"""Virtual environments of the peer simulators, and of compilers for devices that are not here: made on first use and
kept in `$JAXSNN_CACHE` or `~/.cache/jaxsnn`.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple


class Peer(NamedTuple):
    """What to install, and the modules that must then be there.

    `without`: packages whose own requirements are wrong. `newest`: whether to use the newest Python that is installed
    beside this one, for peers whose newest version needs it.
    """

    requirements: tuple[str, ...]
    module: str
    without: tuple[str, ...] = ()
    newest: bool = False


PEERS = {
    "brian2": Peer(("brian2>=2.9", "setuptools", "cython"), "brian2", newest=True),
    "brian2-and-jaxsnn": Peer(  # what reads a network of Brian2's objects
        ("brian2>=2.9", "setuptools", "cython", "jax", "equinox", "jaxtyping", "sympy"), "brian2", newest=True
    ),
    "brainevent": Peer(("brainevent[cpu]==0.3.*",), "brainevent, numba", newest=True),
    "nest": Peer(("nest-simulator==3.10.*", "numpy"), "nest"),
    "lava": Peer(  # it asks for Python 3.10 alone, and for a networkx and asteval of its time
        ("numpy<2", "scipy<1.14", "networkx<3.4", "asteval", "scikit-learn", "matplotlib"),
        "lava.magma",
        ("lava-nc==0.10.0",),
    ),
    "spikingjelly": Peer(("spikingjelly==2.0.*", "torch", "numpy", "setuptools"), "spikingjelly.activation_based"),
    "snntorch": Peer(("snntorch==1.0.*", "torch", "numpy"), "snntorch"),
    "norse": Peer(("norse==1.1.*", "torch", "numpy", "setuptools"), "norse.torch"),
    "spyx": Peer(("spyx==1.0.*",), "spyx.nn"),
    "events": Peer(
        ("tonic==1.7.*", "expelliarmus==1.1.*", "faery==0.7.*", "evlib==0.13.*", "dv-processing==2.0.*"), "tonic"
    ),
    "trains": Peer(("elephant==1.2.*", "pyspike==0.9.*"), "elephant.spike_train_correlation"),
    "nengo-loihi": Peer(("nengo-loihi==1.1.*", "nengo==3.2.*", "numpy<2", "scipy<1.14", "setuptools"), "nengo_loihi"),
}


_CUDA = "cuda-nvcc cuda-runtime cuda-cupti cublas cudnn cufft cusparse cusolver nvjitlink nccl".split()


def compilers() -> dict[str, Peer]:
    """By target: the compiler for the version of JAX that is here, and what this library needs."""
    jax = importlib.metadata.version("jax")
    ours = (f"jax=={jax}", "equinox", "jaxtyping", "optax", "numpy", "xarray", "zarr", "rich", "scipy")
    plugin = (f"jax-cuda12-plugin=={jax}", f"jax-cuda12-pjrt=={jax}", *(f"nvidia-{name}-cu12" for name in _CUDA))
    return {
        "h100": Peer((*ours, *plugin), "jax_plugins.xla_cuda12"),
        "v5e": Peer((*ours, f"jax[tpu]=={jax}"), "libtpu"),
    }


def folder_of(name: str) -> Path:
    """Where an environment is, or will be."""
    return Path(os.environ.get("JAXSNN_CACHE", "~/.cache/jaxsnn")).expanduser() / "peers" / name


def python_of(name: str) -> Path:
    """The Python interpreter of an environment, which is made if it is not there."""
    folder = folder_of(name)
    python, peer = folder / "bin" / "python", (PEERS[name] if name in PEERS else compilers()[name])
    if python.exists() and _quietly(python, "-c", f"import {peer.module}") == 0:
        return python
    print(f"making an environment for {name} in {folder}", file=sys.stderr, flush=True)
    interpreter = newest_python() if peer.newest else sys.executable
    subprocess.run([interpreter, "-m", "venv", "--clear", folder], check=True, stdout=sys.stderr)
    install = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, *peer.requirements], check=True, stdout=sys.stderr)
    if peer.without:
        alone = [*install, "--no-deps", "--ignore-requires-python", *peer.without]
        subprocess.run(alone, check=True, stdout=sys.stderr)
    if _quietly(python, "-c", f"import {peer.module}") != 0:
        raise SystemExit(f"{name} was installed in {folder}, but `import {peer.module}` fails there.")
    return python


def newest_python() -> str:
    """The newest Python that runs here: of those on the path and those of pyenv, at least this one."""
    versions = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    for minor in range(14, sys.version_info.minor, -1):
        beside = sorted(versions.glob(f"3.{minor}.*/bin/python3"), reverse=True)
        for python in (shutil.which(f"python3.{minor}"), *beside):
            if python is not None and _quietly(python, "-c", "import venv, ensurepip") == 0:
                return str(python)
    return sys.executable


def _quietly(*command: object) -> int:
    return subprocess.run(list(map(str, command)), capture_output=True, check=False).returncode
