"""BrainScaleS-2's software model as its group has it: `python tests/oracles/hxtorch_core.py CHECKOUT`.

Writes `steps.npz` (neurons, step by step) and `mock.npz` (the matrix mode) into `tests/golden/brainscales`. CHECKOUT is
a clone of electronicvisions/hxtorch at 3bfc7aa, of which the files on neurons are imported as they stand, without the
package around them that needs the libraries of the hardware; the mock's functions are taken out of its C++ and compiled
against libtorch. Needs PyTorch 2.13 and a C++ compiler.
"""

import re
import sys
import types
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parents[1] / "golden" / "brainscales"
STEPS, NEURONS = 250, 16
TERMS = {  # which terms of the equations are on
    "lif": {},
    "lif_refractory": dict(refractory=True),
    "eif": dict(exponential=True, refractory=True),
    "adex": dict(exponential=True, refractory=True, subthreshold_adaptation=True, spike_triggered_adaptation=True),
    "li": dict(fire=False),
}


def functional(checkout):
    """The functions on neurons, without the packages around them."""
    root = checkout / "src/pyhxtorch/hxtorch"
    for name, path in {"hxtorch": root, "hxtorch.spiking": root / "spiking"}.items():
        module = types.ModuleType(name)
        module.__path__ = [str(path)]
        sys.modules[name] = module
    module = types.ModuleType("hxtorch.spiking.functional")
    module.__path__ = [str(root / "spiking/functional")]
    sys.modules["hxtorch.spiking.functional"] = module
    handle = types.ModuleType("hxtorch.spiking.handle")
    handle.Handle = lambda *names: types.SimpleNamespace()
    sys.modules["hxtorch.spiking.handle"] = handle
    from hxtorch.spiking.functional import aelif, step_integration_code_factory

    return aelif.cuba_aelif_integration, step_integration_code_factory.CuBaStepCode


def steps(checkout):
    integrate, code = functional(checkout)
    rng, found = np.random.default_rng(7), {}
    each = lambda low, high: rng.uniform(low, high, NEURONS).astype(np.float32)
    numbers = dict(
        leak=each(-0.1, 0.1), reset=each(-0.3, 0.0), threshold=each(0.8, 1.2), tau_syn=each(3e-6, 12e-6),
        c_mem=each(5e-6, 15e-6), g_l=each(0.8, 1.2), exp_slope=each(0.1, 0.3), exp_threshold=each(0.5, 0.8),
        subthreshold_adaptation_strength=each(-0.1, 0.3), spike_triggered_adaptation_increment=each(0.0, 0.3),
        tau_adap=each(20e-6, 60e-6),
    )  # fmt: skip
    refractory = rng.integers(1, 6, NEURONS)
    x = (rng.normal(0.35, 0.8, (STEPS, 1, NEURONS)) * (rng.random((STEPS, 1, NEURONS)) < 0.5)).astype(np.float32)
    found |= {"x": x[:, 0], "refractory": refractory} | numbers
    for name, terms in TERMS.items():
        made = code(leaky=True, **terms).generate()
        v, _, i, w, _, z = integrate(
            torch.tensor(x),
            **{key: torch.tensor(value) for key, value in numbers.items()},
            refractory_time=torch.tensor((refractory - 0.5) * 1e-6),  # off the grid: a quotient of floats is counted
            dt=1e-6,
            method="superspike",
            alpha=50.0,
            integration_step_code=made,
            **terms,
        )
        found |= {f"{name}_{key}": value.numpy()[:, 0] for key, value in dict(v=v, z=z, w=w).items()}
        found["i"] = i.numpy()[:, 0]
        print(name, "spikes", int(z.sum()) if terms.get("fire", True) else 0)
    np.savez_compressed(HERE / "steps.npz", **found)


FRAME = """
#include <torch/extension.h>
#include <cmath>
#include <stdexcept>
namespace hxtorch::perceptron {
namespace constants {
constexpr static intmax_t synaptic_weight_min = -63, synaptic_weight_max = 63;
constexpr static intmax_t input_activation_min = 0, input_activation_max = 31;
constexpr static intmax_t hardware_matrix_height = 128;
}
namespace detail {
struct MockParameter { double noise_std = 2.; double gain = 0.002; };
MockParameter& getMockParameter() { static MockParameter mock{}; return mock; }
%s
}}
using namespace hxtorch::perceptron::detail;
void set(double noise, double gain) { getMockParameter().noise_std = noise; getMockParameter().gain = gain; }
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("mac", &mac_mock_forward); m.def("relu", &relu_mock_forward);
  m.def("converting_relu", &converting_relu_mock_forward); m.def("add", &add_mock_forward); m.def("set", &set);
}
"""


def mock(checkout):
    from torch.utils.cpp_extension import load_inline

    functions = []
    for name in ("mac", "relu", "add"):
        text = (checkout / f"src/hxtorch/perceptron/detail/{name}.cpp").read_text()
        functions += re.findall(r"^torch::Tensor \w*_mock_forward\(.*?^}\n", text, re.S | re.M)
    built = load_inline("mock", FRAME % "\n".join(functions), functions=None, extra_cflags=["-O1"])
    rng, found = np.random.default_rng(3), {}
    built.set(0.0, 0.002)
    for k, (rows, columns, sends) in enumerate([(100, 10, 1), (128, 16, 5), (300, 12, 3), (384, 8, 40)]):
        x = rng.uniform(-0.4, 31.4, (20, rows)).astype(np.float32)
        w = rng.uniform(-63.4, 63.4, (rows, columns)).astype(np.float32)
        y = built.mac(torch.tensor(x), torch.tensor(w), sends).numpy()
        print("mac", y.min(), y.max(), "saturated", np.mean((y == 127) | (y == -128)))
        found |= {f"mac{k}_x": x, f"mac{k}_w": w, f"mac{k}_sends": np.asarray(sends), f"mac{k}_y": y.astype(np.int16)}
    a, b = (rng.uniform(-200, 200, 640).astype(np.float32) for _ in range(2))
    ta, tb = torch.tensor(a), torch.tensor(b)
    found |= {"a": a, "b": b, "relu": built.relu(ta).numpy(), "add": built.add(ta, tb).numpy()}
    found |= {f"converting{k}": built.converting_relu(ta, k).numpy() for k in range(5)}
    torch.manual_seed(0)  # with noise only statistics can be compared
    built.set(2.0, 0.002)
    x, w = np.full((4000, 300), 10.0, np.float32), np.full((300, 4), 4.0, np.float32)
    y = built.mac(torch.tensor(x), torch.tensor(w), 1).numpy()
    found |= {"noisy_mean": y.mean(), "noisy_std": y.std(), "noisy_count": np.asarray(y.size)}
    np.savez_compressed(HERE / "mock.npz", **found)


if __name__ == "__main__":
    HERE.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    checkout = Path(sys.argv[1])
    steps(checkout)
    if "steps" not in sys.argv[2:]:
        mock(checkout)
