"""`glassnet diagnose`: find out why a model trains badly, from its training history and its data."""

from __future__ import annotations

from typing import Annotated

from typer import Argument

from glassnet.cli.printing import wrapped

FINDING_INDENT = 12  # columns of "  expected  ", the label before the text of a finding


def diagnose(
    model: Annotated[
        str, Argument(metavar="MODEL", help="A model file written by glassnet train or NeuralNetwork.save.")
    ],
    file: Annotated[str | None, Argument(metavar="FILE", help="Data with the target, best the training data.")] = None,
) -> None:
    """Find out why a model trains badly: evidence in numbers, the equation behind it, and one change to try.

    Without FILE the diagnosis uses the training history in the model file; with FILE it uses the data as well.
    """
    if file is None:
        diagnose_history(model)
        return
    from glassnet.batches.sources import checked_sources
    from glassnet.cli.dataset import read_with_target, repeated_share
    from glassnet.cli.output_layer import network_targets
    from glassnet.cli.trained_model import load_model
    from glassnet.see.diagnosis import diagnosis_of
    from glassnet.see.evidence import examine

    loaded = load_model(model)
    x, encoded, data = read_with_target(file, loaded)
    targets = network_targets(encoded, loaded.target, loaded.network)
    print(f"{len(x):,} row{'' if len(x) == 1 else 's'} of {data.path}")
    network = loaded.network
    sources = checked_sources(network.architecture, network.dtype, x.T, targets)
    wording, repeated = loaded.wording(), repeated_share(data)
    evidence = examine(network.model, network.history, sources, wording, repeated=repeated)
    print(wrapped(str(diagnosis_of(evidence)), FINDING_INDENT))


def diagnose_history(path: str) -> None:
    """Print the findings from the model file alone. Raises ModelFileError where it has no training history."""
    from glassnet.cli.trained_model import KEY, load_model
    from glassnet.errors import ModelFileError
    from glassnet.files.model_file import read_model
    from glassnet.files.storage import read_metadata
    from glassnet.network import NeuralNetwork
    from glassnet.see.diagnosis import diagnose
    from glassnet.see.wording import NETWORK

    network, wording = read_model(path).build(NeuralNetwork), NETWORK
    if KEY in (read_metadata(path).get("extra") or {}):
        wording = load_model(path).wording()
    if network.history is None:
        cause = "it was saved untrained, or by an older glassnet"
        advice = f"give the data as well: glassnet diagnose {path} FILE"
        raise ModelFileError(f"{path} has no training history ({cause}); {advice}.")
    found = diagnose(network.model, network.history, None, None, None, wording)
    print(wrapped(str(found), FINDING_INDENT))
