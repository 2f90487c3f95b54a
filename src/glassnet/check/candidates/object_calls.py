"""How a person's class is made and its methods are called, as far as the names of their arguments say so."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from glassnet.check.candidates.call_forms import ROLE_OF

WORDS = {
    "sizes": (
        "sizes layers layersizes layerdims layersdims dims nodes architecture topology structure shape widths units "
        "neurons"
    ),
    "activations": "activations activation activationfunctions activationfunction acts",
    "inputs": (
        "inputsize inputdim ninput ninputs nin nx inputnodes numinputs numinput indim inputlayersize inputneurons ni "
        "numfeatures nfeatures dim inputunits inputs inputlayer"
    ),
    "hidden": (
        "hiddensize hiddendim nhidden nhid nh hiddennodes numhidden hiddenlayersize hiddenneurons hiddenunits hidden "
        "hiddenlayer numhiddenunits"
    ),
    "hidden_list": "hiddensizes hiddenlayers hiddendims hiddenlayersizes hiddenlayersdims",
    "outputs": (
        "outputsize outputdim noutput noutputs nout ny outputnodes numoutputs numoutput outdim outputlayersize "
        "outputneurons no numclasses nclasses outputunits outputs outputlayer"
    ),
    "lr": "lr learningrate eta alpha rate lrate stepsize",
    "epochs": "epochs epoch nepochs numepochs iterations niter niters numiterations numiters maxiter iters nsteps",
    "batch": "batchsize minibatchsize batch",
    "mini_batch": "minibatch",
    "output": "o out output yhat ypred yp prediction predictions pred a a2 a3 al outputs probs",
    "cache": "cache caches",
    "seed": "seed randomstate rngseed",
    "quiet": "verbose printcost plot display show log",
}
RATE = 0.3  # with which steps are made where it can be chosen: one whose square, half and inverse are other numbers
MEANING = {word: role for role, words in WORDS.items() for word in words.split()}


def meaning_of(name: str) -> str | None:
    """What an argument of a method is, by its name."""
    text = name.lower().replace("_", "")
    role = ROLE_OF.get(text)
    return role if role in ("x", "y") else MEANING.get(text)


def takes_rate(function: Callable[..., Any]) -> bool:
    """Whether an argument of a function is the learning rate."""
    return any(meaning_of(name) == "lr" for name in inspect.signature(function).parameters)


def resolved(
    function: Callable[..., Any], known: dict[str, Any], *, positional: Sequence[str] = ()
) -> dict[str, Any] | None:
    """The arguments of a call by name; None where a required one is not known.

    `known` gives the value of each meaning; where no name tells anything, the required ones are `positional` in order.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    named = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    required = [one.name for one in named if one.default is one.empty]
    arguments = {one.name: known[role] for one in named if (role := meaning_of(one.name)) is not None and role in known}
    if missing := [name for name in required if name not in arguments]:
        if len(required) != len(positional) or len(missing) != len(required):
            return None
        arguments |= dict(zip(required, (known[role] for role in positional), strict=True))
    return arguments


def construct(kind: type, widths: list[int], activations: Sequence[Any]) -> dict[str, Any] | None:
    """The arguments with which a class makes a network of these widths; None where they cannot be told."""
    parameters = inspect.signature(kind).parameters.values()
    known = {
        "sizes": list(widths),
        "activations": activations[0]
        if any(one.name.lower() == "activation" for one in parameters)
        else list(activations),
        "inputs": widths[0],
        "outputs": widths[-1],
        "hidden_list": list(widths[1:-1]),
        "lr": RATE,
        "epochs": 1,
        "seed": 0,
    }
    if len(widths) == 3:
        known["hidden"] = widths[1]
    arguments = resolved(kind, known)
    if arguments is not None:
        return arguments
    required = [one.name for one in parameters if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD]
    if len(required) > 2 or any(meaning_of(name) is not None for name in required[:1]):
        return None
    return dict(
        zip(required, (list(widths), known["activations"]), strict=False)
    )  # as in the article, under other names
