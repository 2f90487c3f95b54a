// Reads a page inside a frame: its width, its tables by name, and the contrast of its text.
const frame = document.querySelector("iframe");

function channels(colour) { return colour.match(/[\d.]+/g).map(Number); }

function luminance([red, green, blue]) {
  const [r, g, b] = [red, green, blue].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function canvas(page) {
  const sheet = page.body.appendChild(page.createElement("i"));
  sheet.style.background = "Canvas";
  const colour = channels(frame.contentWindow.getComputedStyle(sheet).backgroundColor);
  sheet.remove();
  return colour;
}

// WCAG 2: the contrast of an element's text with its background, opacity included.
function contrast(element, bottom) {
  let opacity = 1, behind = null;
  const style = (node) => frame.contentWindow.getComputedStyle(node);
  for (let node = element; node; node = node.parentElement) {
    opacity *= Number(style(node).opacity);
    const colour = channels(style(node).backgroundColor);
    if (behind === null && (colour.length < 4 || colour[3] > 0)) behind = colour;
  }
  behind ??= bottom;
  const ink = channels(style(element).color), alpha = opacity * (ink[3] ?? 1);
  const [a, b] = [luminance(ink.slice(0, 3).map((c, k) => alpha * c + (1 - alpha) * behind[k])), luminance(behind)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

frame.onload = () => {
  const page = frame.contentDocument, bottom = canvas(page);
  const withText = [...page.body.querySelectorAll("*")].filter(
    (element) => element.tagName !== "STYLE" && [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
  const cells = (row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent.trim());
  const answer = {
    width: page.documentElement.scrollWidth,
    dark: luminance(bottom) < 0.1,
    contrast: Math.min(...withText.map((element) => contrast(element, bottom))),
    words: withText.length,
    tables: [...page.querySelectorAll("table[aria-label]")].map(
      (table) => [table.getAttribute("aria-label"), [...table.rows].map(cells).filter((row) => row.length)]),
  };
  document.body.innerHTML = "<pre id='answer'></pre>";
  document.querySelector("pre").textContent = JSON.stringify(answer);
};
frame.srcdoc = PAGE;
