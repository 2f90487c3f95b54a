// Which neurons and edges are lit: by the pointer, by the stage of the walk, by what was chosen.
import type { LayerInfo, WalkStage } from "../../lib/messages";
import { splitName, type Selection } from "../../lib/names";
import type { Lit, Store } from "../../lib/state.svelte";
import type { Place } from "./layout";

export const litNeuron = (lit: Lit, place: Place): boolean => lit[place.layer] === place.index;

export const stageOf = (store: Store): WalkStage | null => (store.view === "step" ? store.walking.stage : null);

/** The chosen weight as an edge between shown neurons. */
export function selectedEdge(selection: Selection | null, layers: LayerInfo[]): { layer: number; row: number; column: number } | null {
  if (!selection) return null;
  const { stem, layer } = splitName(selection.quantity);
  if (!["w", "dw", "change"].includes(stem) || layer < 1 || layer >= layers.length) return null;
  const row = layers[layer].shown.indexOf(selection.row);
  const column = layers[layer - 1].shown.indexOf(selection.column);
  return row < 0 || column < 0 ? null : { layer, row, column };
}
