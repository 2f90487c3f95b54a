// The same front end in a notebook: anywidget calls render with a model and an element.
import { mount, unmount } from "svelte";
import App from "./core/App.svelte";
import "./app.css";
import { AnyWidgetFeed, type WidgetModel } from "./lib/anywidget_feed";
import { hostTheme } from "./lib/host_theme";
import { Store } from "./lib/state.svelte";

function render({ model, el }: { model: WidgetModel; el: HTMLElement }): () => void {
  const store = new Store(new AnyWidgetFeed(model), "#view=watch");
  if (store.settings.theme === "system") store.settings.theme = hostTheme() ?? "system";
  const app = mount(App, { target: el, props: { store, address: false } });
  store.start();
  return () => {
    store.stop();
    void unmount(app);
  };
}

export default { render };
