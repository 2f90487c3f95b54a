// The page of `glassnet play`, and of a report where a recording stands in the same file.
import { mount } from "svelte";
import App from "./core/App.svelte";
import "./app.css";
import type { Feed } from "./lib/feed";
import type { Recorded } from "./lib/messages";
import { RecordedFeed } from "./lib/recorded_feed";
import { Store } from "./lib/state.svelte";
import { WebSocketFeed } from "./lib/websocket_feed";

declare global {
  interface Window {
    __glassnet?: Recorded;
  }
}

function chooseFeed(): Feed {
  if (window.__glassnet) return new RecordedFeed(window.__glassnet);
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocketFeed(`${scheme}//${location.host}/socket`);
}

const store = new Store(chooseFeed(), location.hash);
mount(App, { target: document.getElementById("glassnet") as HTMLElement, props: { store, address: true } });
store.start();
