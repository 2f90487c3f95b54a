// What a person chose for the page itself; kept by the browser where it allows that.

const KEY = "glassnet";

interface Kept {
  shortcuts: boolean;
  theme: "system" | "light" | "dark";
}

function load(): Partial<Kept> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Kept>;
  } catch {
    return {};
  }
}

export class Settings {
  shortcuts = $state(load().shortcuts ?? true);
  theme = $state<Kept["theme"]>(load().theme ?? "system");

  keep(): void {
    try {
      localStorage.setItem(KEY, JSON.stringify({ shortcuts: this.shortcuts, theme: this.theme }));
    } catch {
      // A page from a file, or a browser that keeps nothing: the choice holds until it is closed.
    }
  }
}
