"""`glassnet train`: from a data file to a model file."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Option

from glassnet.cli import words


def train(
    file: Annotated[str, Argument(help="CSV (.gz too), Parquet, .npz (arrays x, y), or a folder of IDX files.")],
    out: Annotated[str, Option(help="The model file to write.")],
    target: Annotated[str | None, Option(help="The column to predict (tables only).", show_default=False)] = None,
    task: Annotated[str, Option(metavar=words.TASKS, help="auto: told from the target.")] = "auto",
    hidden: Annotated[str, Option(help="Widths of the hidden layers; 0 for none.")] = "128,64",
    activation: Annotated[str, Option(metavar=words.HIDDEN_ACTIVATIONS, help="Of the hidden layers.")] = "relu",
    cost: Annotated[
        str,
        Option(metavar=words.ALL_COSTS, help="auto: binary or categorical cross-entropy for classes, else quadratic."),
    ] = "auto",
    optimizer: Annotated[str, Option(metavar=words.ALL_OPTIMIZERS, help="How weights follow the gradient.")] = "adam",
    schedule: Annotated[str, Option(metavar=words.ALL_SCHEDULES, help="How the rate goes over the run.")] = "one_cycle",
    initializer: Annotated[str, Option(metavar=words.ALL_INITIALIZERS, help="The first weights.")] = "auto",
    lr: Annotated[float, Option(help="The learning rate; one_cycle peaks at ten times it.")] = 0.0005,
    batch_size: Annotated[int, Option(help="Samples a step.")] = 64,
    epochs: Annotated[int, Option(help="Passes through the training rows, at most.")] = 20,
    validation: Annotated[float, Option(help="Share of the rows held out to choose the weights; 0: none.")] = 0.2,
    patience: Annotated[
        int | None,
        Option(help="Epochs without a better validation cost that end the run; all if not said.", show_default=False),
    ] = None,
    dropout: Annotated[float, Option(help="Share of each hidden layer's values that a step leaves out.")] = 0.0,
    l2: Annotated[float, Option(help="Strength of the penalty l2/2·Σw² on the weights.")] = 0.0,
    seed: Annotated[int, Option(help="All chance comes from it; the same seed gives the same model.")] = 0,
    threads: Annotated[int | None, Option(help="The most threads; all if not said.", show_default=False)] = None,
    plots: Annotated[str | None, Option(help="Folder for pictures (made if missing).", show_default=False)] = None,
    quiet: Annotated[bool, Option("--quiet", help="No progress while training.")] = False,
) -> None:
    """Train a network on FILE and write it, with its preparation of the data, to a model file."""
    from glassnet.cli.run import Settings, train_file

    settings = Settings(
        hidden=words.widths(hidden),
        activation=activation,
        cost=cost,
        initializer=initializer,
        dropout=dropout,
        l2=l2,
        optimizer=optimizer,
        schedule=schedule,
        lr=lr,
        batch_size=batch_size,
        epochs=epochs,
        patience=patience,
        validation=validation,
        seed=seed,
        threads=threads,
        quiet=quiet,
    )
    train_file(file, out, target, task, settings, plots)
