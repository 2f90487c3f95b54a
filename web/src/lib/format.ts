// Numbers as they are shown: four significant digits, never "0.0000", a true minus sign.

const MINUS = "\u2212";
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const SMALLEST_PLAIN = 1e-3;
const LARGEST_PLAIN = 1e5;

function superscript(exponent: number): string {
  const digits = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[Number(digit)]).join("");
  return exponent < 0 ? "⁻" + digits : digits;
}

function scientific(size: number, digits: number): string {
  const [mantissa, exponent] = size.toExponential(digits - 1).split("e");
  return `${mantissa}·10${superscript(Number(exponent))}`;
}

/** 0.3833, −1.2, 4.112·10⁻⁷; exact zero is "0". */
export function format(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || Number.isNaN(value)) return value === undefined ? "" : "not a number";
  const size = Math.abs(value);
  const sign = value < 0 ? MINUS : "";
  if (size === Infinity) return sign + "∞";
  if (size === 0) return "0";
  if (Number.isInteger(size) && size < LARGEST_PLAIN) return sign + String(size);
  const plain = Number(size.toPrecision(digits));
  if (plain < SMALLEST_PLAIN || plain >= LARGEST_PLAIN) return sign + scientific(size, digits);
  return sign + plainText(size, digits);
}

function plainText(size: number, digits: number): string {
  const text = size.toPrecision(digits);
  return text.includes("e") ? String(Number(text)) : text;
}

/** A sentence of the engine with its numbers as the page writes them: −1.4·10⁻⁹ for -1.4e-09. */
export function sentence(text: string): string {
  return text
    .replace(/(?<![\w.])(-?)(\d+(?:\.\d+)?)e([-\u2212+]?)(\d+)(?!\w)/g, (_, sign: string, mantissa: string, of: string, exponent: string) => {
      const power = Number(exponent) * (of === "" || of === "+" ? 1 : -1);
      return `${sign}${mantissa}·10${superscript(power)}`;
    })
    .replace(/(?<=^|[\s(=[,±])-(?=\.?\d)/g, MINUS);
}

/** All digits that tell this float64 from every other one. */
export function full(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return value.toPrecision(17);
}

/** A count with thin spaces: 12 000. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

export function percent(share: number): string {
  if (share > 0 && share < 0.01) return "<1 %";
  return `${Math.round(share * 100)} %`;
}

/** The number that a person typed, with a comma or a true minus too; null where it is none. */
export function typed(text: string): number | null {
  const clean = text.trim().replace(MINUS, "-").replace(",", ".").replace(/·10\^?/, "e");
  if (clean === "") return null;
  const value = Number(clean);
  return Number.isFinite(value) ? value : null;
}
