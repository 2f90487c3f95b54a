"""`glassnet train`: train a network on a data file and write a model file."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from glassnet.cli import options


def train(
    file: options.DataArgument,
    out: Annotated[str, Option(metavar="PATH", help="The model file to write.")],
    target: options.TargetOption = None,
    task: Annotated[
        str, Option(metavar="NAME", help="auto (decided by the target), classification, regression.")
    ] = "auto",
    hidden: options.HiddenOption = "128,64",
    activation: options.ActivationOption = "relu",
    cost: options.CostOption = "auto",
    optimizer: options.OptimizerOption = "adam",
    schedule: options.ScheduleOption = "one_cycle",
    initializer: options.InitializerOption = "auto",
    lr: Annotated[float, Option(help="Learning rate; one_cycle peaks at ten times this value.")] = 0.0005,
    batch_size: Annotated[int, Option(help="Samples per step.")] = 64,
    epochs: Annotated[int, Option(help="Maximum number of passes through the training rows.")] = 20,
    validation: Annotated[float, Option(help="Fraction of rows that choose the best epoch; 0 for none.")] = 0.2,
    patience: Annotated[
        int | None,
        Option(help="Stop after so many epochs without a lower validation cost.", show_default="never"),
    ] = None,
    dropout: Annotated[float, Option(help="Fraction of each hidden layer's values dropped in a step.")] = 0.0,
    l2: Annotated[float, Option(help="Strength of the penalty l2/2·Σw² on the weights.")] = 0.0,
    seed: Annotated[int, Option(help="Seed of all randomness; the same seed gives the same model.")] = 0,
    threads: Annotated[int | None, Option(help="Maximum number of threads.", show_default="all")] = None,
    drop: options.DropOption = [],  # noqa: B006 (read only; Typer wants a list)
    number: options.NumberOption = [],  # noqa: B006
    category: options.CategoryOption = [],  # noqa: B006
    date: options.DateOption = [],  # noqa: B006
    keep: options.KeepOption = [],  # noqa: B006
    missing: options.MissingOption = [],  # noqa: B006
    delimiter: options.DelimiterOption = None,
    encoding: options.EncodingOption = None,
    decimal: options.DecimalOption = None,
    drop_missing_target: options.DropMissingTargetOption = "yes",
    plots: Annotated[str | None, Option(metavar="FOLDER", help="Folder for plots, made if missing.")] = None,
    quiet: Annotated[bool, Option("--quiet", help="Do not show progress.")] = False,
) -> None:
    """Train a network on FILE and write it, together with the preparation of its data, to a model file."""
    arguments = locals() | {"hidden": options.parse_widths(hidden)}
    from glassnet.cli.train_options import TrainOptions
    from glassnet.cli.training_run import train_file

    train_options = TrainOptions(**{name: arguments[name] for name in TrainOptions._fields})
    train_file(file, out, (target, task), train_options, options.reading_options(arguments), plots)
