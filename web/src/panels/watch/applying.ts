// Where a change of a setting begins: at the step that is shown, or in a new run.
import type { Setup } from "../../lib/messages";
import type { Store } from "../../lib/state.svelte";

export const LIVE = ["lr", "opt", "act", "batch", "l1", "l2"] as const;
export type LiveKey = (typeof LIVE)[number];

export function apply(store: Store, set: Partial<Setup>, fromHere: boolean): Promise<unknown> {
  const live = Object.keys(set).every((key) => (LIVE as readonly string[]).includes(key));
  const begun = (store.frame?.last ?? 0) > 0;
  return live && fromHere && begun ? store.act("change", { set }) : store.act("setup", { set });
}

/** The settings as they are at the step that is shown: those of the run, and its changes up to there. */
export function present(setup: Setup, t: number): Setup {
  return setup.then.filter((change) => change.t <= t).reduce((all, change) => ({ ...all, ...change.set }), setup);
}
