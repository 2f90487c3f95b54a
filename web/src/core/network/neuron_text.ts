// What a screen reader and a title say about one neuron.
import { at, type Matrix } from "../../lib/codec";
import { format } from "../../lib/format";
import type { LayerInfo } from "../../lib/messages";
import type { Place } from "./layout";

export interface NeuronNumbers {
  a: number | null;
  z: number | null;
  b: number | null;
  delta: number | null;
  gate: number | null;
}

type Quantity = (name: string) => Matrix | null;

export function numbersOf(place: Place, quantity: Quantity): NeuronNumbers {
  const of = (stem: string): number | null => {
    const matrix = quantity(stem + place.layer);
    return matrix && place.index < matrix.values.length ? at(matrix, place.index) : null;
  };
  return { a: of("a"), z: of("z"), b: of("b"), delta: of("delta"), gate: of("gate") };
}

export const saturated = (numbers: NeuronNumbers, layer: LayerInfo): boolean =>
  numbers.gate !== null && layer.saturation > 0 && Math.abs(numbers.gate) < layer.saturation;

export function describe(place: Place, layer: LayerInfo, numbers: NeuronNumbers): string {
  const name = layer.names[place.unit] ? ` ${layer.names[place.unit]}` : "";
  if (place.layer === 0) return `input ${place.unit}${name}, value ${format(numbers.a)}`;
  const parts = [`layer ${place.layer} neuron ${place.unit}${name}`, `activation ${format(numbers.a)}`];
  if (numbers.delta !== null) parts.push(`delta ${format(numbers.delta)}`);
  if (numbers.gate !== null) parts.push(`gate ${format(numbers.gate)}${saturated(numbers, layer) ? ", saturated" : ""}`);
  return parts.join(", ");
}
