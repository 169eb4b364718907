"""`snn.equations.neuron`: a class of neurons from a text."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import equinox as eqx

from .._types import AbstractLaw, Param, as_number, no_flag, param
from ..neurons.integrators import RK2, RK4, AbstractIntegrator, Euler, ExponentialEuler
from .cell import EquationNeuron
from .dimensions import Dimension
from .exact import Exact
from .linear import Linear, linear, noise
from .model import Model
from .reading import model
from .source import EquationError, NotLinear, near
from .splitting import ConditionallyLinear, split
from .stochastic import EulerMaruyama, Heun, Milstein
from .units import quantity

_METHODS: dict[str, type[AbstractIntegrator]] = {
    "exact": Exact, "exponential_euler": ExponentialEuler, "conditionally_linear": ConditionallyLinear,
    "euler": Euler, "rk2": RK2, "rk4": RK4,
}  # fmt: skip
_NOISY: dict[str, type[AbstractIntegrator]] = {"euler": EulerMaruyama, "heun": Heun, "milstein": Milstein}


if TYPE_CHECKING:

    class Cell(EquationNeuron):
        """A class that `neuron` makes, for type checkers: any parameter may be given."""

        def __init__(self, **values: Any): ...


def neuron(
    equations: str,
    *,
    threshold: str | None = None,
    reset: str | None = None,
    refractory: Any = None,
    method: str | None = None,
    current: str = "i",
    name: str = "EquationNeuron",
    **values: Any,
) -> type[Cell]:
    """A class of neurons from equations in Brian2's language.

        Cell = snn.equations.neuron(
            '''
            dv/dt = (v_rest - v + ge + gi)/tau : volt (unless refractory)
            dge/dt = -ge/(5*ms) : volt
            dgi/dt = -gi/(10*ms) : volt
            ''',
            threshold="v > -50*mV", reset="v = v_rest", refractory="5*ms", tau="20*ms", v_rest="-60*mV",
        )
        snn.Population(Cell(tau=10.0), 100, ports=Cell.into("ge", "gi"))

    **Names.** What has a `dx/dt` is a variable; `v` is the membrane (one that stays 0 if there is none). Every other
    name is defined by a line of its own, as a subexpression (`x = 2*v : volt`) or a parameter (`tau : second`), or by a
    value, `tau=...`; one that is not is an error, with three exceptions: functions, units and constants of Brian2; `t`,
    `dt` and the noises `xi`, `xi_...`; and `i`, the input: the sum of what ports and drives give as currents.

    **Parameters** are leaves: `Cell(tau=10.0)`, `"E.neuron.tau"`. One that has no value here is required there. What a
    variable is at the start is a leaf of its name, 0 by default. A parameter that the reset assigns is a variable.

    **Units** are checked as in Brian2. A number without unit is in the library's: ms, mV, pA, nS, pF, GOhm, 1/ms. A
    value may be text, `"20*ms"`, or a quantity of Brian2 or pint; it is converted.

    **Arguments:**

    - `equations`: the text. Flags: `(unless refractory)`, `(constant)`, `(shared)`, `(constant over dt)`; `(summed)` of
      a line without an equation, for what synapses sum (`snn.equations.synapse`).
    - `threshold`: a condition; its surrogate is a function of the distance between its two sides, in units of that from
      the reset to the threshold. `reset`: statements, separated by `;`.
    - `refractory`: a time or a condition, as text or number. As in Brian2 the step of the spike counts: with `5*ms` and
      steps of 0.1 ms, 49 steps are refractory.
    - `method`: `"exact"` (linear equations), `"exponential_euler"`, `"euler"`, `"rk2"`, `"rk4"`; with noise `"euler"`
      (additive), `"heun"`, `"milstein"`. `"conditionally_linear"`: Brian2's exponential Euler where an equation is not
      linear in its own variable. By default, as in Brian2, the first of exact, euler and heun that can be used.
    - `current`: the name of the input. `name`: of the class.

    **Raises:** `EquationError`, a ValueError, with the line of the text and a caret where it is wrong.

    **Source:** Stimberg, Goodman, Benichoux and Brette, Front. Neuroinform. 8:6 (2014).
    """
    try:
        return _made(equations, threshold, reset, refractory, method, current, name, tuple(sorted(values.items())))
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
        arguments = (equations, threshold, reset, refractory, method, current, name, tuple(sorted(values.items())))
        return _made.__wrapped__(*arguments)


@functools.lru_cache(maxsize=256, typed=True)  # one class for one text: a program is compiled for a class
def _made(
    equations: str,
    threshold: str | None,
    reset: str | None,
    refractory: Any,
    method: str | None,
    current: str,
    name: str,
    values: tuple[tuple[str, Any], ...],
) -> type[Cell]:
    found = model(equations, threshold, reset, refractory, current, dict(values))
    recipe = (equations, threshold, reset, refractory, method, current, values)
    leaves = (*found.parameters, *found.variables)
    return class_of(EquationNeuron, name, found, method, leaves, __doc__=equations, recipe=recipe)


def class_of(base: type, name: str, found: Model, method: str | None, leaves: Iterable[str], **own: Any) -> type[Any]:
    """A class of neurons or synapses with this model, and a leaf for each of these names."""
    integrator, coefficients = _integrator(found, method)
    own |= {
        "__module__": "equations",  # none of the library: a file names it by its name, for `load(kinds=...)`
        "__annotations__": {"integrator": AbstractIntegrator},
        "model": found,
        "linear_form": coefficients,
        "parts": split(found) if integrator is ConditionallyLinear else None,
        "integrator": eqx.field(default_factory=integrator, kw_only=True),
    }
    for each in leaves:
        own["__annotations__"][each] = Param
        own[each] = _leaf(each, found)
    return types.new_class(name, (base,), {}, lambda namespace: namespace.update(own))


def _leaf(name: str, found: Model) -> Any:
    """A parameter, or the value of a variable at the start; required if it is a parameter without a value."""
    dimension = found.dimensions[name]
    unknown = any(each[0] == "?" for each in dimension.powers)
    start = found.values.get(name, 0.0 if name in (*found.rates, *found.fed) else None)
    default: dict[str, Any] = {} if start is None else {"default_factory": lambda: start}  # an array is no default
    convert = functools.partial(_converted, name=name, dimension=None if unknown else dimension)
    return param(**default, unit="1" if unknown else str(dimension), convert=convert, kw_only=True)


def _converted(given: Any, name: str, dimension: Dimension | None) -> Any:
    """A value in the library's units; a distribution is one of numbers in them."""
    if isinstance(given, AbstractLaw):
        return given
    number, own = quantity(given, name)
    if own is not None and dimension is not None and own != dimension:
        raise EquationError(f"{name} is {given!r}, in {own}; expected a value in {dimension}.")
    return as_number(no_flag(number))


def _integrator(found: Model, method: str | None) -> tuple[type[AbstractIntegrator], Linear | None]:
    """The integrator that a method names, and the coefficients of equations that are linear."""
    methods: Mapping[str, type[AbstractIntegrator]] = _NOISY if found.noises else _METHODS
    if method is not None and method not in methods:
        kind = "equations with noise" if found.noises else "equations without noise"
        raise EquationError(
            f"Got method={method!r}{near(method, methods)}, expected one for {kind}: {', '.join(methods)}."
        )
    if found.noises:
        return methods[_noisy_method(found, method)], None
    if method in (None, "exact"):
        try:
            return Exact, linear(found)
        except NotLinear:
            if method is not None:
                raise
    return methods[method or "euler"], None


def _noisy_method(found: Model, method: str | None) -> str:
    """The method for equations with noise; an error if the given one is not right for them."""
    factors = noise(found)
    changing = {*found.rates, "t"}
    multiplied = next((row for (row, _), names in factors.items() if names & changing), None)
    if method == "euler" and multiplied is not None:
        found.rates[multiplied].error(
            found.rates[multiplied].node,
            f"The noise in d{multiplied}/dt is multiplied by something that changes, for which 'euler' is not right; "
            "take method='heun' (Stratonovich) or 'milstein' (Ito).",
        )
    rows, noises = [row for row, _ in factors], [name for _, name in factors]
    shared = next((row for row, name in factors if rows.count(row) > 1 or noises.count(name) > 1), None)
    if method == "milstein" and shared is not None:
        found.rates[shared].error(
            found.rates[shared].node,
            f"'milstein' is right for one noise a variable and one variable a noise, which d{shared}/dt is not; take "
            "method='heun'.",
        )
    return method or ("euler" if multiplied is None else "heun")
