"""`glassnet train`: train a model on a data file and write a model file."""

from __future__ import annotations

from typing import Annotated

from typer import Context, Option

from glassnet.cli import options

PRESET_HELP = "fast, default or best: how long the tabular model is trained; pixels: every column is one of an image."
METRIC_HELP = "What chooses the best epoch: auto, log_loss, accuracy, balanced_accuracy, roc_auc; rmse, mae, r2."
CLASS_WEIGHT_HELP = "balanced: rows of rare classes count more, so that all classes count the same."
STREAM_HELP = "Read the table block by block and train a plain network, as for a table that does not fit in memory."
REPORT_HELP = "Folder for run.html, the training as one page that opens offline; made if it does not exist."
PROGRESS_HELP = "auto (a bar or lines on stderr), json (JSON lines on stdout, the report on stderr) or none."
PresetOption = Annotated[str, options.tabular_option(metavar="NAME", help=PRESET_HELP)]
MetricOption = Annotated[str, options.tabular_option(metavar="NAME", help=METRIC_HELP)]
ClassWeightOption = Annotated[
    str | None, options.tabular_option(metavar="NAME", help=CLASS_WEIGHT_HELP, show_default="none")
]
LOG_HELP = "Whether the logarithm of a positive quantity is learnt: auto (as the preset decides), yes or no."
LogTargetOption = Annotated[str, options.tabular_option(metavar="NAME", help=LOG_HELP)]
TimeLimitOption = Annotated[
    float | None, Option(metavar="SECONDS", help="End the training after this time.", show_default="none")
]

CHECKPOINT_HELP = "File for the state of the run, from which --resume continues to the same model, bit for bit."
CheckpointOption = Annotated[
    str | None, options.network_option(metavar="PATH", help=CHECKPOINT_HELP, show_default="none")
]
PRECISION_HELP = (
    "float32, or mixed_bfloat16: the operands of products are rounded to bfloat16 in training, which is faster on "
    "processors with AVX512_BF16 and refused on others."
)
PrecisionOption = Annotated[str, Option(metavar="NAME", help=PRECISION_HELP)]
EVERY_HELP = "Number of steps between two checkpoints."
EveryOption = Annotated[int | None, options.network_option(metavar="STEPS", help=EVERY_HELP, show_default="each epoch")]


def train(
    ctx: Context,
    file: options.DataArgument,
    out: Annotated[str, Option(metavar="PATH", help="The model file to write.")],
    target: options.TargetOption = None,
    task: Annotated[
        str, Option(metavar="NAME", help="auto (decided by the target), classification or regression.")
    ] = "auto",
    time_limit: TimeLimitOption = None,
    seed: Annotated[int, Option(help="Seed of all randomness; the same seed gives the same model.")] = 0,
    threads: Annotated[int | None, Option(help="Maximum number of threads.", show_default="all")] = None,
    plots: Annotated[str | None, Option(metavar="FOLDER", help="Folder for plots, made if it does not exist.")] = None,
    report: Annotated[str | None, Option(metavar="FOLDER", help=REPORT_HELP)] = None,
    progress: Annotated[str, Option(metavar="NAME", help=PROGRESS_HELP)] = "auto",
    quiet: Annotated[bool, Option("--quiet", help="Do not show progress; the same as --progress none.")] = False,
    stream: Annotated[bool, Option("--stream", help=STREAM_HELP)] = False,
    preset: PresetOption = "default",
    metric: MetricOption = "auto",
    class_weight: ClassWeightOption = None,
    log_target: LogTargetOption = "auto",
    hidden: options.HiddenOption = "128,64",
    activation: options.ActivationOption = "relu",
    cost: options.CostOption = "auto",
    optimizer: options.OptimizerOption = "adam",
    schedule: options.ScheduleOption = "one_cycle",
    initializer: options.InitializerOption = "auto",
    lr: Annotated[
        float, options.network_option(help="Learning rate; one_cycle peaks at ten times this value.")
    ] = 0.0005,
    batch_size: Annotated[int, options.network_option(help="Samples per step.")] = 64,
    epochs: Annotated[int, options.network_option(help="Maximum number of passes through the training rows.")] = 20,
    validation: Annotated[
        float, options.network_option(help="Fraction of rows that choose the best epoch; 0 for none.")
    ] = 0.2,
    patience: Annotated[
        int | None,
        options.network_option(
            help="Stop after this number of epochs without a lower validation cost.", show_default="never"
        ),
    ] = None,
    dropout: Annotated[
        float, options.network_option(help="Fraction of the values of each hidden layer that a step drops.")
    ] = 0.0,
    l2: Annotated[float, options.network_option(help="Strength of the penalty l2/2·Σw² on the weights.")] = 0.0,
    precision: PrecisionOption = "float32",
    checkpoint: CheckpointOption = None,
    every: EveryOption = None,
    resume: Annotated[
        bool, options.network_option("--resume", help="Continue from the checkpoint, if there is one.")
    ] = False,
    drop: options.DropOption = [],  # noqa: B006 (read only; Typer wants a list)
    number: options.NumberOption = [],  # noqa: B006
    category: options.CategoryOption = [],  # noqa: B006
    date: options.DateOption = [],  # noqa: B006
    keep: options.KeepOption = [],  # noqa: B006
    missing: options.MissingOption = [],  # noqa: B006
    delimiter: options.DelimiterOption = None,
    encoding: options.EncodingOption = None,
    decimal: options.DecimalOption = None,
    header: options.HeaderOption = None,
    drop_missing_target: options.DropMissingTargetOption = "yes",
) -> None:
    """Train a model on FILE and write it, together with the preparation of its data, to a model file.

    For a table this is the tabular model: several networks, trained on different rows and averaged. Any option under
    Network, an IDX folder or a .npz file trains a plain network instead. Ctrl-C ends the training, saves the model and
    exits with 130.
    """
    arguments = {**locals(), "hidden": options.parse_widths(hidden)}
    from glassnet.cli.train_request import train_request
    from glassnet.cli.training import train_model

    given = {name for name in ctx.params if ctx.get_parameter_source(name).name == "COMMANDLINE"}  # type: ignore[union-attr]
    train_model(train_request(arguments, given))
