// Formulas arrive as MathML; only its elements and a few attributes are taken over.

const ELEMENTS = new Set([
  "math", "mrow", "mi", "mn", "mo", "msup", "msub", "msubsup", "mfrac", "mtext", "mspace", "mover", "munder", "munderover",
  "msqrt", "mstyle", "mtable", "mtr", "mtd", "mpadded",
]);
const ATTRIBUTES = new Set(["data-part", "display", "stretchy", "mathvariant", "columnalign", "width", "linethickness", "accent"]);
const NS = "http://www.w3.org/1998/Math/MathML";

function copy(node: Node): Node | null {
  if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.textContent ?? "");
  if (!(node instanceof Element) || !ELEMENTS.has(node.localName)) return null;
  const element = document.createElementNS(NS, node.localName);
  for (const { name, value } of node.attributes) if (ATTRIBUTES.has(name)) element.setAttribute(name, value);
  for (const child of node.childNodes) {
    const twin = copy(child);
    if (twin) element.append(twin);
  }
  return element;
}

export function formulaNodes(text: string): Node[] {
  const parsed = new DOMParser().parseFromString(text, "text/html").body;
  return [...parsed.childNodes].map(copy).filter((node): node is Node => node !== null);
}

/** Shows a formula and lights its active parts. */
export function formula(element: HTMLElement, options: { text: string; lit: string[] }) {
  const light = (lit: string[]) => {
    for (const part of element.querySelectorAll("[data-part]")) part.classList.toggle("lit", lit.includes(part.getAttribute("data-part") ?? ""));
  };
  const draw = ({ text, lit }: typeof options) => (element.replaceChildren(...formulaNodes(text)), light(lit));
  draw(options);
  return { update: draw };
}
