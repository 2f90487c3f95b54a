"""Which argument of a person's function is which: the standard order, or another one where the names say so.

Nothing is guessed: a function whose names leave a doubt is refused, with the few lines that adapt it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from glassnet.check.candidates.candidate_error import CandidateError
from glassnet.errors import ParameterTypeError
from glassnet.program.parameters import Array

NAMES = {
    "x": "x xs inputs input features data samples images a0 xtrain xbatch trainx inputdata",
    "y": "y ys targets target labels label t ytrue ytrain ybatch trainy expected truth",
    "weights": "weights w ws weight theta thetas",
    "biases": "biases b bs bias",
    "parameters": "parameters params param",
}
ROLE_OF = {name: role for role, names in NAMES.items() for name in names.split()}
NUMBERED = re.compile(r"(w|weights?|thetas?|syn|b|bias|biases)(\d+|h|hidden|o|out|output)")
ENDS = {"h": 0, "hidden": 0, "o": 1, "out": 1, "output": 1}  # of two layers
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

Role = str  # "x", "y", "weights", "biases", "parameters", or "w1", "b1" for the arrays of layer 1


class Arguments(NamedTuple):
    """What a function can be given, in its own notation; no biases where it has none of its own."""

    weights: list[Array]
    biases: list[Array]
    x: Any
    y: Any
    bare: bool = False  # the arrays of a single layer are handed over without their lists

    def of(self, role: Role) -> Any:
        """The argument of a role."""
        if role == "parameters":
            return NumberedArrays(self.weights, self.biases, 1)
        if role in ("x", "y", "weights", "biases"):
            value = getattr(self, role)
            return value[0] if self.bare and role in ("weights", "biases") and value else value
        return (self.weights if role[0] == "w" else self.biases)[int(role[1:]) - 1]


class NumberedArrays(dict[str, Any]):
    """W1, b1, W2, b2 ...; another spelling such as w1 is looked up too, and from 0 where W0 is asked for."""

    def __init__(self, weights: Sequence[Array], biases: Sequence[Array], start: int) -> None:
        super().__init__()
        self.parts = weights, biases
        for number, weight in enumerate(weights):
            self[f"W{number + start}"] = weight
            if biases:
                self[f"b{number + start}"] = biases[number]

    def __missing__(self, name: Any) -> Any:
        match = NUMBERED.fullmatch(str(name).lower().replace("_", ""))
        if match is not None and match[2].isdigit():
            standard = f"{'b' if match[1][0] == 'b' else 'W'}{match[2]}"
            if standard in self:
                return self[standard]
            if int(match[2]) == 0:
                raise CountedFromZero(name)
        lists = {"weights": self.parts[0], "biases": self.parts[1]}
        role = ROLE_OF.get(str(name).lower())
        if role in lists:
            return lists[role]
        raise CandidateError(f"it asks its parameters for {name!r}; they are a dict with {', '.join(self)}")


class CountedFromZero(KeyError):
    """Their code counts the layers of its parameters from 0."""


class CallForm(NamedTuple):
    """How to call a function: the roles of its arguments, by name or in order."""

    roles: tuple[tuple[str, Role], ...]
    by_name: bool = False

    def call(self, mine: Callable[..., Any], arguments: Arguments) -> Any:
        """Call it; a dict of parameters is numbered from 0 where the function asks for W0."""
        given = {name: arguments.of(role) for name, role in self.roles}
        try:
            return self._call(mine, given)
        except CountedFromZero:
            zero = NumberedArrays(arguments.weights, arguments.biases, 0)
            return self._call(mine, given | {name: zero for name, role in self.roles if role == "parameters"})

    def _call(self, mine: Callable[..., Any], given: dict[str, Any]) -> Any:
        return mine(**given) if self.by_name else mine(*given.values())


def call_form(mine: Callable[..., Any], layers: int, separate: bool) -> CallForm:
    """How to call a function for a network of so many layers. Raises ParameterTypeError where its names do not tell."""
    standard = ("weights", "biases", "x", "y") if separate else ("weights", "x", "y")
    in_order = CallForm(tuple((role, role) for role in standard))
    try:
        parameters = list(inspect.signature(mine).parameters.values())
    except (TypeError, ValueError):  # a function written in C
        return in_order
    named = [p for p in parameters if p.kind in (*POSITIONAL, inspect.Parameter.KEYWORD_ONLY)]
    roles = _from_one({p.name: role_of(p.name, layers) for p in named})
    required = [p.name for p in named if p.default is inspect.Parameter.empty]
    known = tuple((name, role) for name, role in roles.items() if role is not None)
    if all(roles[name] for name in required) and _complete([role for _, role in known], layers, separate):
        return CallForm(known, all(p.kind != inspect.Parameter.POSITIONAL_ONLY for p in named))
    open_end = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
    positional = [p.name for p in named if p.kind in POSITIONAL]
    fits = set(required) <= set(positional[: len(standard)]) and (len(positional) >= len(standard) or open_end)
    if fits and all(roles[name] in (None, role) for name, role in zip(positional, standard, strict=False)):
        return in_order
    raise ParameterTypeError(refusal(mine, [(name, roles[name]) for name in required], separate))


def role_of(name: str, layers: int) -> Role | None:
    """The role of an argument of this name; None where the name does not say it."""
    text = name.lower().replace("_", "")
    if text in ROLE_OF:
        return ROLE_OF[text]
    match = NUMBERED.fullmatch(text)
    if match is None or (match[2] in ENDS and layers != 2):
        return None
    number = ENDS[match[2]] + 1 if match[2] in ENDS else int(match[2])
    return f"{'b' if match[1][0] == 'b' else 'w'}{number}"


def _from_one(roles: dict[str, Role | None]) -> dict[str, Role | None]:
    """The roles with layers counted from 1, where the names count from 0."""
    if not any(role is not None and role[1:] == "0" for role in roles.values()):
        return roles
    return {
        name: f"{role[0]}{int(role[1:]) + 1}" if role is not None and role[1:].isdigit() else role
        for name, role in roles.items()
    }


def _complete(roles: list[Role], layers: int, separate: bool) -> bool:
    """Whether these roles, each once, are all that a function needs; numbers count from 1."""
    numbered = [f"{kind}{n}" for kind in ("wb" if separate else "w") for n in range(1, layers + 1)]
    forms = (["weights", "biases"] if separate else ["weights"], ["parameters"], numbered)
    return any(sorted(roles) == sorted([*form, "x", "y"]) for form in forms)


def refusal(mine: Any, required: list[tuple[str, Role | None]], separate: bool) -> str:
    """One sentence that says which arguments are not understood, and the lines that adapt the function."""
    name = getattr(mine, "__name__", type(mine).__name__)
    head = f"{name}({', '.join(argument for argument, _ in required)})"
    roles = [role for _, role in required]
    if separate and None not in roles and {role[0] for role in roles if role} == set("wxy"):
        return (
            f"{head} has no argument for the biases; pass biases=False if the network has none, or biases="
            '"first" or "last" if they are the first or last column of W.'
        )
    if set(roles) <= {"x", "y"}:
        return (
            f"{head} has no argument for the weights; if they are variables outside of it, pass "
            "parameters=[(owner, weight, bias), ...] and step= instead."
        )
    unknown = [argument for argument, role in required if role is None]
    numbers = {role for role in roles if role is not None and role[0] == "w" and role[1:].isdigit()}
    if not unknown and numbers:
        return f"{head} takes the weights of {len(numbers)} layers; layers must have as many."
    reason = f"what {' and '.join(unknown)} should be is not known" if unknown else "some of its arguments are missing"
    arguments = "weights, biases, x, y" if separate else "weights, x, y"
    call = ", ".join(f"{argument}={_value_of(role)}" for argument, role in required)
    return (
        f"{head} cannot be called, because {reason}; write an adapter and pass it instead:\n"
        f"    def adapted({arguments}):  # lists with one array per layer; samples as columns or as rows\n"
        f"        grads = {'mine' if name == '<lambda>' else name}({call})  # fill in each ...\n"
        f"        return {'dw, db' if separate else 'dw'}  # from grads, or return grads itself if it has them all"
    )


def _value_of(role: Role | None) -> str:
    """What an adapter passes for a role."""
    if role is None:
        return "..."
    if role == "parameters":
        return "{'W1': weights[0], 'b1': biases[0], ...}"
    return role if not role[1:].isdigit() else f"{'weights' if role[0] == 'w' else 'biases'}[{int(role[1:]) - 1}]"
