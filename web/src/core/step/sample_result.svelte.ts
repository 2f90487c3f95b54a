// The tables of each sample whose mean is the result of a stage.
import { decode, type Matrix } from "../../lib/codec";
import type { EncodedArray, Term } from "../../lib/messages";
import type { Store } from "../../lib/state.svelte";

export class SampleResult {
  private values = $state.raw<Matrix | null>(null); // (m, rows, columns)
  private asked = "";

  async load(store: Store, t: number, term: Term): Promise<void> {
    const key = `${t} ${term.quantity}`;
    if (this.asked === key) return;
    this.asked = key;
    try {
      const answer = (await store.ask("per_sample", { t, quantity: term.quantity })) as { values: EncodedArray };
      this.values = decode(answer.values);
    } catch (error) {
      store.say((error as Error).message);
    }
  }

  get count(): number {
    return this.values?.shape[0] ?? 0;
  }

  /** The term with the numbers of one sample, or null until they are here. */
  of(sample: number, term: Term): Term | null {
    if (!this.values || sample >= this.count) return null;
    const [, rows, columns] = this.values.shape;
    const size = rows * columns;
    const part = Float64Array.from(this.values.values.subarray(sample * size, (sample + 1) * size));
    return { ...term, values: { shape: [rows, columns], f8: toBase64(part) } };
  }
}

function toBase64(values: Float64Array): string {
  let text = "";
  for (const byte of new Uint8Array(values.buffer)) text += String.fromCharCode(byte);
  return btoa(text);
}
