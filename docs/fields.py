"""For mkdocstrings: the constructors of classes made by `eqx.Module`, which their source does not show.

Equinox makes a module a dataclass when Python makes the class. Its arguments and their defaults are those that
`inspect.signature` finds.
"""

import dataclasses
import importlib
import inspect
import math

import griffe

KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: griffe.ParameterKind.positional_only,
    inspect.Parameter.POSITIONAL_OR_KEYWORD: griffe.ParameterKind.positional_or_keyword,
    inspect.Parameter.VAR_POSITIONAL: griffe.ParameterKind.var_positional,
    inspect.Parameter.KEYWORD_ONLY: griffe.ParameterKind.keyword_only,
    inspect.Parameter.VAR_KEYWORD: griffe.ParameterKind.var_keyword,
}


class Constructors(griffe.Extension):
    """Gives each module class the `__init__` that it has when it is called."""

    def on_class(self, *, cls, **_):
        made = getattr(importlib.import_module(cls.module.path), cls.name, None)
        if "__init__" in cls.members or not dataclasses.is_dataclass(made) or inspect.isabstract(made):
            return
        arguments = [griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)]
        fields = {field.name: field for field in dataclasses.fields(made)}
        for p in inspect.signature(made).parameters.values():
            declared = cls.all_members.get(p.name)
            annotation = getattr(declared, "annotation", None)
            arguments.append(
                griffe.Parameter(
                    p.name, kind=KINDS[p.kind], annotation=annotation, default=default(p, fields.get(p.name))
                )
            )
        cls.set_member("__init__", griffe.Function("__init__", parameters=griffe.Parameters(*arguments), parent=cls))


def default(parameter, field):
    """The default of an argument as a user would write it; None where there is none. `field`: of a generated one."""
    if parameter.default is inspect.Parameter.empty:
        return None
    if field is None or field.default_factory is dataclasses.MISSING:
        number = isinstance(parameter.default, float)
        return "math.inf" if number and math.isinf(parameter.default) else repr(parameter.default)
    made = field.default_factory()
    return repr(made) if isinstance(made, dict | list | tuple) else f"{type(made).__name__}()"
