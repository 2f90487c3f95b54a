// What the engine and the page say to each other: JSON text, the same over a WebSocket, through a notebook's widget and
// recorded in a report. The page draws these numbers and computes none of its own.

import type { Texts } from "./texts";

/** An array of the engine, every bit: base64 of little-endian float64 (f8), float32 (f4, pictures only) or bytes (u1). */
export interface EncodedArray {
  shape: number[];
  f8?: string;
  f4?: string;
  u1?: string;
}

/** What defines a run: the same keys as in a link. */
export interface Setup {
  data: string; // a set of choices.data, "csv", "points"
  n: number; // samples drawn
  noise: number;
  test: number; // share of the samples that is held out
  shape: number[]; // [2, 8, 8, 1]
  act: string[]; // one per dense layer
  cost: string;
  opt: string;
  lr: number;
  batch: number;
  l1: number;
  l2: number;
  init: string;
  seed: number;
  target: string; // of a file: a column
  task: "auto" | "classification" | "regression"; // how the target of a file is read
  file: string; // sha256 of a file or of points, "" for a data set
  engine: string; // "compiled" (usual), or "numpy" where its kernels were not ready; the bits of a run depend on it
  w: number[]; // start weights, layer by layer: W row by row, then b; empty: drawn by init and seed
  then: Change[]; // settings changed while it ran
}

export interface Change {
  t: number;
  set: Partial<Setup>;
}

export interface Choice {
  name: string;
  title: string;
  text?: string; // its formula or a sentence
}

export interface Choices {
  data: (Choice & { inputs: number; outputs: number; kind: "classes" | "numbers"; defaults: Partial<Setup> })[];
  act: Choice[];
  cost: (Choice & { kinds: ("classes" | "numbers")[] })[];
  opt: Choice[];
  init: Choice[];
  formats: Choice[]; // of model files
  ranges: Record<string, { min: number; max: number; step?: number; log?: boolean }>; // of the numbers of a setup
}

/** `card.check` says what the page waits for before it ticks the card. */
export interface LessonCard {
  text: string;
  view?: string; // the screen it speaks of: "watch", "step"
  stage?: string; // the stage to show
  check?: {
    kind: "stage" | "nudge" | "step" | "set" | "select" | "cost_below" | "answer" | "diverged" | "compare";
    value?: string | number;
    hint: string;
  };
}

export interface Lesson {
  key: string;
  number: number;
  title: string;
  question: string; // one sentence on the start screen
  link: string; // "v=1&data=..."
  cards: LessonCard[];
}

export interface Hello {
  type: "hello";
  version: string;
  engine: string; // "compiled" | "numpy"
  choices: Choices;
  texts: Texts;
  lessons: Lesson[];
  limits: Record<string, number>;
  live: boolean; // false in a report
  start?: string; // the link that the server opened; with its screen where a person named it
}

export interface LayerInfo {
  units: number;
  activation: string; // "" for the inputs
  names: string[]; // of inputs and outputs; empty for hidden layers
  shown: number[]; // the units that are drawn; all of them up to 24
  image: [number, number] | null; // inputs that are an image: rows, columns
  saturation: number; // |f'(z)| below this is marked as saturated
  extras: string[]; // layers without weights that act here: "Dropout(0.2)"
}

export interface Branch {
  id: number;
  parent: number | null;
  from: number; // the step at which it left its parent
  label: string; // "lr 0.1 → 0.5"
  steps: number; // how far it has run
}

export interface RunInfo {
  type: "run";
  setup: Setup;
  link: string; // "#v=1&..." without a token; empty where the run has none
  lesson: string; // its key, or ""
  layers: LayerInfo[];
  parameters: number;
  dtype: string; // "float64" on the page; a report has that of its network
  program: string; // the printed table of equations
  cost: { name: string; text: string };
  optimizer: { name: string; text: string };
  kind: "classes" | "numbers";
  classes: string[]; // empty for numbers
  data: {
    title: string;
    inputs: string[];
    train: number;
    test: number;
    x: EncodedArray; // (samples, inputs) as the network sees them; at most 2,000 rows and 100 columns
    y: EncodedArray; // (samples, 1): class number or value
    test_rows: EncodedArray; // u1 (samples,): 1 where held out
    raw: { low: number; high: number; mean: number; scale: number; unit: string }[]; // per input: value = mean + scale·x; "date": days since 1970-01-01
  };
  first_input?: number; // the input with the largest variance, with which Inspect begins
  branches: Branch[];
  branch: number;
  notes: string[]; // what was guessed, left out, ignored or limited
}

export interface LayerStats {
  delta: number[]; // 10th, 50th, 90th percentile of |δ|, and its root mean square
  dw: number[]; // the same of |∂C/∂W|
  saturated: number; // share of (neuron, sample) with |f'(z)| below `saturation`
  dead: number; // share of neurons that are never active
  ratio: number; // ‖last change of W‖ / ‖W‖
  /** Histogram; `curve` f4 (2, edges): f and f′ at its edges, where the activation acts on each z alone. */
  z: { edges: EncodedArray; counts: EncodedArray; curve?: EncodedArray };
}

/** The network at step t, between two steps. */
export interface Frame {
  type: "frame";
  number: number; // to acknowledge
  t: number;
  epoch: number;
  last: number; // the largest step reached in this branch
  hash: string; // sha256 of parameters, optimiser state and place in the order
  playing: boolean;
  speed: number; // steps per second, 0: as fast as possible
  rate: number; // steps per second of the engine in the last second
  cost: number | null; // C on the training samples, null where not finite
  validation: number | null;
  accuracy: number | null; // of the held-out samples, or of all where none are held out; R² for numbers
  samples: number; // how many the layers' statistics and dw were measured on
  sample: number; // index (in RunInfo.data) of the sample whose z, a and δ are shown
  /** w1 (fan_out, fan_in), b1 (fan_out, 1), dw1, db1 (means over `samples`), change1 (last change of w1);
   *  a0, z1, a1, delta1, gate1 (units, 1) of the followed sample, y, and C. Of a large layer only the units `shown`. */
  quantities: Record<string, EncodedArray>;
  layers: LayerStats[]; // of the dense layers
  /** Of every step since the last frame, NaN where not measured; in a recording, means of `every` steps. */
  costs: { from: number; every?: number; train: EncodedArray; validation: EncodedArray };
  field: Field | null;
  scores: Scores | null;
  findings: Finding[];
}

/** What the network answers over two inputs (or one), the others fixed. */
export interface Field {
  axes: number[]; // the inputs that vary: one or two
  fixed: string; // what the others are held at, "" where there are none
  low: number[];
  high: number[];
  size: number; // points per axis
  output: EncodedArray; // f4 (outputs, size²) rows from low to high of the second axis; (outputs, size) for one axis
  neurons: EncodedArray[]; // f4 per layer from the first hidden one, (shown, 32²); empty unless two inputs
}

export interface Scores {
  confusion: EncodedArray | null; // (classes, classes): true × predicted
  pairs: EncodedArray | null; // (samples, 2): true, predicted
  names: string[];
  values: number[]; // such as accuracy, R², RMSE
}

export interface Finding {
  name: string;
  text: string;
  equation: string;
  change: string;
  effect: string;
}

// One step ------------------------------------------------------------------------------------------------------------

export interface Term {
  symbol: string; // "δ2"
  quantity: string; // "delta2": its name in data-q
  values: EncodedArray; // (rows, columns), samples as columns
  axes: [number | string | null, number | string | null]; // a layer's number, "m" for samples
  shape: [number, number]; // of all of it; `values` has only the drawn units
  transposed: boolean; // its rows are the columns of `quantity`: W2ᵀ[j, i] is w2[i, j]
}

export interface WalkStage {
  key: string; // "forward.1", "forward.1.a", "cost", "bp1", "bp2.1.arrives", "bp2.1.gate", "bp3.1", "bp4.1", "update.w1"
  label: string; // "BP2"
  title: string;
  formula: string; // lines of text
  mathml: string; // the same, its parts with data-part of the terms' quantity
  terms: (Term | string)[];
  product: boolean; // the first two terms are a matrix product whose sums can be spelled out
  mean: boolean; // a mean over the batch that has per-sample tables
  sentence: string;
  sentences?: string[]; // for each of the first samples of the batch alone, where that is another one
  layer: number | null; // which layer is lit
  direction: "forward" | "backward" | "none";
}

export interface Walk {
  t: number;
  hash: string;
  m: number;
  samples: number[]; // indices in RunInfo.data; empty where unknown
  stages: WalkStage[];
  quantities: Record<string, EncodedArray>; // all z, a, δ, w, b, dw, db of the step, as in a Trace (shown units only)
  before: number;
  after: number;
  predicted: number;
  real: number;
  verdict: string;
}

export interface SpelledSum {
  name: string; // "(W2ᵀ·δ2)[0, 3]"
  terms: { left: string; left_value: number; right: string; right_value: number; product: number }[]; // as many as 100, largest first
  rest: number; // the sum of those that are not listed
  more: number; // how many those are
  sum: number;
  text: string;
}

export interface NudgeResult {
  quantity: string;
  value: number;
  step: number;
  down: number; // C at value − step
  cost: number;
  up: number;
  slope: number;
  derivative: number;
  difference: number;
  kind: string; // "∂C/∂w1[0, 1], a mean over the batch"
  kink: boolean;
  sentence: string;
  sweep: { step: number; difference: number }[]; // the V curve; empty unless asked for
}

export interface Series {
  quantity: string;
  steps: number[];
  values: EncodedArray;
  gradient: EncodedArray | null;
}

/** Python that repeats the run; `epochs` where it trains for whole ones and cannot stop at the very step. */
export interface Program {
  code: string;
  epochs: number | null;
}

/** The samples behind a cell of the confusion matrix: at most 100, the most certain predictions first. */
export interface CellSamples {
  t: number;
  true: number;
  predicted: number;
  count: number; // of all
  numbers: number[];
  samples: number[]; // indices in RunInfo.data, −1 for those that are not in it
  x: EncodedArray; // (listed, inputs), at most 100 columns
  outputs: EncodedArray; // (listed, outputs)
}

/** ∂c/∂x of one sample. */
export interface InputSlopes {
  t: number;
  sample: number;
  number: number;
  x: EncodedArray; // (inputs, 1)
  gradient: EncodedArray; // (inputs, 1), NaN for codes that an embedding looks up
  c: number | null; // null where not finite
  sentence: string;
}

export interface AnswerVerdict {
  right: boolean;
  cells: boolean[]; // of each number
  sentence: string;
}

export interface Column {
  name: string;
  kind: string;
  note: string;
  examples: string[];
}

/** Commands: {id, do, ...arguments}; every one is answered by a Reply with the same id. */
export interface Commands {
  play: { speed?: number };
  pause: object;
  speed: { speed: number };
  step: { count: number }; // on by so many steps
  go: { t: number }; // to a step, back or on
  follow: { sample: number };
  open: { link: string }; // a new run from a link, also of a lesson
  setup: { set: Partial<Setup> }; // a new run with some settings changed; the same start weights where the shape allows
  change: { set: Partial<Setup> }; // lr, opt, act, batch, l1, l2 from this step on: a branch
  branch: { branch: number };
  restart: { new_start: boolean };
  walk: { t?: number }; // → Walk
  spell: { t: number; stage: string; row: number; column: number; sample?: number }; // → SpelledSum
  per_sample: { t: number; quantity: string }; // → {values: EncodedArray (m, rows, columns), mean: EncodedArray}
  quantity: { t: number; quantity: string }; // → Term, whole, of the walk
  nudge: { t: number; quantity: string; step?: number; sweep?: boolean }; // "w1[0,1]"; of the walk's batch → NudgeResult
  cost_with: { t: number; override: Record<string, number> }; // → {cost, before}
  check_gradient: { t: number }; // → {checked, largest, sentence}
  answer: { t: number; quantity: string; values: (number | null)[] }; // → AnswerVerdict
  input_gradient: { t?: number; sample?: number }; // of the followed sample where none is named → InputSlopes
  series: { quantity: string }; // "w1[0,1]", "delta1[0]" → Series
  cell: { t?: number; true: number; predicted: number }; // of the confusion matrix → CellSamples
  field: { axes: number[] };
  program: object; // → Program
  table: { name: string; content: string } | { file: string }; // one that was read before; a CSV, Parquet or .npz file as base64 → {columns: Column[], notes: string[], rows, suggested: string, file: string}
  use_table: { file: string; target: string; task?: Setup["task"] };
  points: { points: { x: number; y: number; label: number }[] };
  digit: { strokes: number[][][] }; // lines of [x, y] in 0..1 → {bitmap: EncodedArray (32,32), image: EncodedArray (8,8), outputs: number[], answer: string}
  report: { title?: string }; // → {name, content: base64, note}
  model: { format: string }; // of choices.formats → {name, content: base64, note}
  ping: object;
  ack: { number: number }; // not answered
}

export type Reply = { type: "reply"; id: number; result?: unknown; error?: string };

/** Something the person must know: `kind` "diverged" has the first quantity that was not finite. */
export interface Notice {
  type: "notice";
  kind: "diverged" | "stopped" | "limited" | "error";
  text: string;
  t: number;
  quantity?: string;
}

/** How far the engine is on a long way to a step: whether it runs new steps, or repeats those it has run before. */
export interface Progress {
  type: "progress";
  from: number;
  t: number;
  to: number;
  repeated: boolean;
  text: string;
}

export type ServerMessage = Hello | RunInfo | Frame | Reply | Notice | Progress;

/** What a report carries: messages as they would have come, and walks by step. */
export interface Recorded {
  hello: Hello;
  run: RunInfo;
  frames: Frame[];
  walks: Walk[];
  about: { title: string; lines: string[]; check: string; versions: string; code: string };
  view?: string; // the screen that it opens with, "watch" where it does not say
}
