// Draws the edges: as lines of the SVG up to 400, on a canvas above that. Called for every frame, so without the framework.
import { at, type Matrix } from "../../lib/codec";
import type { Palette } from "../../lib/colour";
import type { Layout, Place } from "./layout";
import { strokes, type Scale, type Stroke } from "./scales";

export const MOST_LINES = 400;
const THICK = 4.2;
const NS = "http://www.w3.org/2000/svg";
const DASHES = 6; // px on, then as many off

export interface Drawing {
  layout: Layout;
  matrices: (Matrix | null)[]; // of layers 1.. ; rows and columns are the shown units
  scale: Scale;
  palette: Palette;
  names: string; // the stem of data-q: "w"
}

type Visit = (layer: number, row: number, column: number, stroke: Stroke, value: number) => void;

/** Every edge with its stroke, small ones first so that strong ones lie on top on the canvas. */
function forEdges({ layout, matrices, scale, palette }: Drawing, visit: Visit): void {
  const strokeOf = strokes(palette, layout.edges > MOST_LINES ? THICK * 0.6 : THICK);
  for (let l = 1; l < layout.places.length; l++) {
    const matrix = matrices[l - 1];
    for (let row = 0; row < layout.places[l].length; row++) {
      for (let column = 0; column < layout.places[l - 1].length; column++) {
        const value = matrix ? at(matrix, row, column) : NaN;
        visit(l, row, column, strokeOf(scale(value)), value);
      }
    }
  }
}

export class Lines {
  private lines: SVGLineElement[] = [];
  private drawn: Stroke[] = []; // attributes are written where they change
  private values: number[] = [];
  private names = "";
  private layout: Layout | null = null;

  constructor(readonly group: SVGGElement) {}

  draw(drawing: Drawing): void {
    if (this.layout !== drawing.layout) this.build(drawing);
    if (this.names !== drawing.names) this.name(drawing);
    let next = 0;
    forEdges(drawing, (_l, _row, _column, stroke, value) => {
      const line = this.lines[next];
      if (this.values[next] !== value) line.setAttribute("data-value", Number.isFinite(value) ? value.toPrecision(17) : String(value));
      this.values[next] = value;
      const before = this.drawn[next];
      this.drawn[next++] = stroke;
      if (before?.colour === stroke.colour && before.width === stroke.width && before.dashed === stroke.dashed) return;
      line.setAttribute("stroke", stroke.colour);
      line.setAttribute("stroke-width", stroke.width.toFixed(2));
      line.setAttribute("stroke-dasharray", stroke.dashed ? `${DASHES} ${DASHES * 0.7}` : "none");
    });
  }

  clear(): void {
    this.group.replaceChildren();
    this.lines = [];
    this.drawn = [];
    this.values = [];
    this.names = "";
    this.layout = null;
  }

  private name(drawing: Drawing): void {
    this.names = drawing.names;
    const { places } = drawing.layout;
    let next = 0;
    forEdges(drawing, (l, row, column) => {
      this.lines[next++].setAttribute("data-q", `${drawing.names}/${l}/${places[l][row].unit}/${places[l - 1][column].unit}`);
    });
  }

  private build(drawing: Drawing): void {
    this.clear();
    this.layout = drawing.layout;
    const { places, radius } = drawing.layout;
    forEdges(drawing, (l, row, column) => {
      const [from, to] = [places[l - 1][column], places[l][row]];
      const line = document.createElementNS(NS, "line");
      line.setAttribute("x1", String(startOf(drawing.layout, l, from)));
      line.setAttribute("y1", String(from.y));
      line.setAttribute("x2", String(to.x - radius));
      line.setAttribute("y2", String(to.y));
      this.group.append(line);
      this.lines.push(line);
    });
  }
}

/** Where the edges into a layer begin: right of the neuron, or of the image that it is a pixel of. */
function startOf({ image, radius }: Layout, layer: number, from: Place): number {
  return image && layer === 1 ? image.x + image.size : from.x + radius;
}

/** Strokes of equal look are drawn in one go: 32 widths and two signs. */
export function drawOnCanvas(context: CanvasRenderingContext2D, drawing: Drawing): void {
  const bundles = new Map<string, { stroke: Stroke; path: Path2D }>();
  const { places, radius } = drawing.layout;
  forEdges(drawing, (l, row, column, stroke) => {
    const [from, to] = [places[l - 1][column], places[l][row]];
    const width = Math.round(stroke.width * 12) / 12;
    const key = `${stroke.dashed}${width}`;
    let bundle = bundles.get(key);
    if (!bundle) bundles.set(key, (bundle = { stroke: { ...stroke, width }, path: new Path2D() }));
    bundle.path.moveTo(startOf(drawing.layout, l, from), from.y);
    bundle.path.lineTo(to.x - radius, to.y);
  });
  for (const { stroke, path } of [...bundles.values()].sort((a, b) => a.stroke.width - b.stroke.width)) {
    context.strokeStyle = stroke.colour;
    context.lineWidth = stroke.width;
    context.setLineDash(stroke.dashed ? [DASHES, DASHES * 0.7] : []);
    context.stroke(path);
  }
  context.setLineDash([]);
}
