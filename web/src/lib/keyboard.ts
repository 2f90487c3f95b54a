// The keys of the page. Keys that a field or a slider needs are left to it; single keys can be switched off.
import type { Edges, Store, View } from "./state.svelte";

interface Dialogs {
  help(): void;
  find(): void;
}

const VIEWS: Record<string, View> = { w: "watch", s: "step", i: "inspect", c: "compare", e: "export" };
const EDGES: Record<string, Edges> = { "1": "w", "2": "dw", "3": "change" };

const isText = (target: Element): boolean =>
  target.matches("input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable]");
/** Things that use the arrow keys themselves. */
const usesArrows = (target: Element): boolean =>
  target.closest("input, select, textarea, [role=grid], [role=tablist], [role=slider], [role=radiogroup], table") !== null;
const usesSpace = (target: Element): boolean => target.closest("button, a, summary, input, [role=button], [role=gridcell], [role=tab]") !== null;

function arrows(key: string, shift: boolean, store: Store): boolean {
  const forward = key === "ArrowRight";
  if (!forward && key !== "ArrowLeft") return false;
  if (shift || store.view !== "step") void store.step(forward ? 1 : -1);
  else void (forward ? store.walking.next() : store.walking.previous());
  return true;
}

function single(key: string, store: Store, dialogs: Dialogs): boolean {
  if (key === "?") dialogs.help();
  else if (key === "/") dialogs.find();
  else if (key in VIEWS) store.show(VIEWS[key]);
  else if (key in EDGES) store.edges = EDGES[key];
  else if (key === "b") store.walking.batch = !store.walking.batch;
  else if (key === "n") openNudge(store);
  else return false;
  return true;
}

function openNudge(store: Store): void {
  store.nudging = true;
  store.show("step");
}

export function shortcuts(root: Window | HTMLElement, store: Store, dialogs: Dialogs): () => void {
  const pressed = (raw: Event) => {
    const event = raw as KeyboardEvent;
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("dialog") || isText(target)) return;
    let used = false;
    if (event.key === " " && !usesSpace(target)) (used = true), void store.toggle();
    else if (event.key.startsWith("Arrow") && !usesArrows(target)) used = arrows(event.key, event.shiftKey, store);
    else if (event.key === "Home" && !usesArrows(target)) (used = true), void store.go(0);
    else if (event.key === "End" && !usesArrows(target)) (used = true), void store.go(store.frame?.last ?? 0);
    else if (store.settings.shortcuts && event.key.length === 1) used = single(event.key, store, dialogs);
    if (used) event.preventDefault();
  };
  root.addEventListener("keydown", pressed);
  return () => root.removeEventListener("keydown", pressed);
}
