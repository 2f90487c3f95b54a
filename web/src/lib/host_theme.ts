// Whether the notebook around the widget is light or dark, whatever the browser prefers: JupyterLab and marimo say so in the document.

export function hostTheme(): "light" | "dark" | null {
  const { body, documentElement: root } = document;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "true" ? "light" : "dark";
  for (const element of [body, root]) {
    if (element.classList.contains("dark")) return "dark";
    if (element.classList.contains("light")) return "light";
  }
  return null;
}
