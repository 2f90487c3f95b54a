"""`glassnet diagnose`: find out why a model trains badly, from its training history and its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument

from glassnet.cli.options import AnyMemberOption, KnownTargetOption
from glassnet.cli.printing import print_text, wrapped
from glassnet.errors import ParameterError

if TYPE_CHECKING:
    from glassnet.see.diagnosis import Diagnosis
    from glassnet.see.wording import Wording
    from glassnet.tabular.member import Member
    from glassnet.tabular.model import TabularModel

FINDING_INDENT = 12  # columns of "  expected  ", the label before the text of a finding


def diagnose(
    model: Annotated[
        str, Argument(metavar="MODEL", help="A model file written by glassnet train or NeuralNetwork.save.")
    ],
    file: Annotated[
        str | None, Argument(metavar="FILE", help="Data with the target, preferably the training data.")
    ] = None,
    target: KnownTargetOption = None,
    member: AnyMemberOption = None,
) -> None:
    """Find out why a model trains badly: evidence in numbers, the equation behind it, and one change to try.

    Without FILE the diagnosis uses the training history in the model file; with FILE it uses the data as well. It
    covers all networks of a model, or the one that --member selects.
    """
    if file is None:
        if target is not None:
            raise ParameterError("--target is given without FILE, the .npy file of x; give both or neither.")
        diagnose_history(model, member)
        return
    from glassnet.cli.dataset import read_with_target
    from glassnet.cli.stored_model import load_model

    loaded = load_model(model)
    x, encoded, data = read_with_target(file, loaded, target)
    print_text(f"{len(x):,} row{'' if len(x) == 1 else 's'} of {data.path}")
    numbers = member_numbers(loaded.members, member)
    print_diagnoses([_with_data(loaded, number, x, encoded, data) for number in numbers], numbers, len(loaded.members))


def member_numbers(members: Sequence[Member], asked: int | None) -> list[int]:
    """The numbers of the networks to look at, from 1. Raises ParameterError for one that there is not."""
    from glassnet.cli.stored_model import check_member

    check_member(len(members), asked)
    return [asked] if asked else list(range(1, len(members) + 1))


def _with_data(model: TabularModel, number: int, x: Any, encoded: Any, data: Any) -> Diagnosis:
    from glassnet.batches.sources import checked_sources
    from glassnet.cli.dataset import repeated_share
    from glassnet.cli.output_layer import network_targets
    from glassnet.cli.stored_model import wording
    from glassnet.see.diagnosis import diagnosis_of
    from glassnet.see.evidence import examine

    network = model.members[number - 1].network
    targets = network_targets(encoded, model.target, network)
    sources = checked_sources(network.architecture, network.dtype, x.T, targets)
    repeated = repeated_share(data)
    return diagnosis_of(examine(network.model, network.history, sources, wording(model), repeated=repeated))


def diagnose_history(path: str, member: int | None) -> None:
    """Print the findings from the model file alone. Raises ModelFileError where it has no training history."""
    from glassnet.cli.stored_model import load_members
    from glassnet.errors import ModelFileError

    members, wording = load_members(path)
    numbers = member_numbers(members, member)
    if any(members[number - 1].network.history is None for number in numbers):
        cause = "it was saved untrained, or by an older glassnet"
        advice = f"give the data as well: glassnet diagnose {path} FILE"
        raise ModelFileError(f"{path} has no training history ({cause}); {advice}.")
    print_diagnoses([_from_history(members[number - 1], wording) for number in numbers], numbers, len(members))


def _from_history(member: Member, wording: Wording) -> Diagnosis:
    from glassnet.see.diagnosis import diagnose

    return diagnose(member.network.model, member.network.history, None, None, None, wording)


def print_diagnoses(diagnoses: Sequence[Diagnosis], numbers: Sequence[int], count: int) -> None:
    """Print the findings in all networks, the most significant first, each once with the networks that have it."""
    if count == 1:
        print_text(wrapped(str(diagnoses[0]), FINDING_INDENT))
        return
    names = sorted(
        {name for diagnosis in diagnoses for name in diagnosis.names},
        key=lambda name: min(diagnosis.names.index(name) for diagnosis in diagnoses if name in diagnosis.names),
    )
    networks = f"network {numbers[0]} of {count}" if len(numbers) == 1 else f"{count} networks"
    each = "" if len(numbers) == 1 else " each"
    print_text(
        f"{len(names) or 'no'} finding{'' if len(names) == 1 else 's'} in {networks} ({diagnoses[0].basis}{each})"
    )
    for name in names:
        having = [number for number, diagnosis in zip(numbers, diagnoses, strict=True) if name in diagnosis.names]
        first = next(diagnosis for diagnosis in diagnoses if name in diagnosis.names)
        where = "all networks" if len(having) == count else f"network{'s' * (len(having) > 1)} {_listed(having)}"
        print_text(f"\nIn {where}:")
        print_text(wrapped(str(first[first.names.index(name)]), FINDING_INDENT))


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
