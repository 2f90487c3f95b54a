// Measures a page inside a frame: its width, its tables by name, and the contrast of its text.
const frame = document.querySelector("iframe");

function channels(colour) { return colour.match(/[\d.]+/g).map(Number); }

function luminance([red, green, blue]) {
  const [r, g, b] = [red, green, blue].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function canvas(page) {
  const sample = page.body.appendChild(page.createElement("i"));
  sample.style.background = "Canvas";
  const colour = channels(frame.contentWindow.getComputedStyle(sample).backgroundColor);
  sample.remove();
  return colour;
}

// WCAG 2: the contrast between the text of an element and its background, opacity included.
function contrast(element, canvasColour) {
  let opacity = 1, background = null;
  const style = (node) => frame.contentWindow.getComputedStyle(node);
  for (let node = element; node; node = node.parentElement) {
    opacity *= Number(style(node).opacity);
    const colour = channels(style(node).backgroundColor);
    if (background === null && (colour.length < 4 || colour[3] > 0)) background = colour;
  }
  background ??= canvasColour;
  const text = channels(style(element).color), alpha = opacity * (text[3] ?? 1);
  const [a, b] = [luminance(text.slice(0, 3).map((c, k) => alpha * c + (1 - alpha) * background[k])), luminance(background)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

frame.onload = () => {
  const page = frame.contentDocument, canvasColour = canvas(page);
  const withText = [...page.body.querySelectorAll("*")].filter(
    (element) => element.tagName !== "STYLE" && [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
  const cells = (row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent.trim());
  const answer = {
    width: page.documentElement.scrollWidth,
    dark: luminance(canvasColour) < 0.1,
    contrast: Math.min(...withText.map((element) => contrast(element, canvasColour))),
    texts: withText.length,
    tables: [...page.querySelectorAll("table[aria-label]")].map(
      (table) => [table.getAttribute("aria-label"), [...table.rows].map(cells).filter((row) => row.length)]),
  };
  document.body.innerHTML = "<pre id='answer'></pre>";
  document.querySelector("pre").textContent = JSON.stringify(answer);
};
frame.srcdoc = PAGE;
