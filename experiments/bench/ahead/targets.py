"""Devices that are not there: what they are called, what they can do, and a topology to compile for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Target(NamedTuple):
    """A device that programs are compiled for ahead of time, with the numbers of its data sheet."""

    platform: str
    name: str  # of the topology
    chips: int
    bandwidth: float  # bytes a second
    launch: float  # seconds a kernel
    options: Mapping[str, Any] = MappingProxyType({})  # of the topology
    variables: Mapping[str, str] = MappingProxyType({})  # of the environment, before JAX is imported

    def devices(self) -> list[Any]:
        """Its chips, as far as a compiler knows them."""
        from jax.experimental import topologies

        return list(topologies.get_topology_desc(self.name, self.platform, **self.options).devices)

    def prepare(self) -> None:
        """The environment of the process, to be called before JAX is imported."""
        os.environ.update({"JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3", **self.variables})


_H100 = """
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152 shared_memory_per_core: 233472
  threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128 block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535 block_dim_limit_z: 65535 memory_bandwidth: 3352320000000 l2_cache_size: 52428800
  clock_rate_ghz: 1.98 device_memory_size: 84978434048 shared_memory_per_block_optin: 232448
  cuda_compute_capability { major: 9 minor: 0 } registers_per_core_limit: 65536 registers_per_block_limit: 65536
}
platform_name: "CUDA"
dnn_version_info { major: 9 }
device_description_str: "NVIDIA H100 80GB HBM3"
"""

TARGETS = {
    "h100": Target("cuda", "h100", 1, 3.35e12, 2.5e-6, {"target_config": _H100, "topology": "1x1x1"}),
    "v5e": Target(
        "tpu",
        "v5e:2x4",
        8,
        0.819e12,
        0.5e-6,  # of an operation; a program of a TPU is one launch
        variables={
            "TPU_SKIP_MDS_QUERY": "1",
            "TPU_ACCELERATOR_TYPE": "v5litepod-8",
            "TPU_WORKER_HOSTNAMES": "localhost",
            "TPU_WORKER_ID": "0",
            "TPU_TOPOLOGY": "2x4",
        },
    ),
}
