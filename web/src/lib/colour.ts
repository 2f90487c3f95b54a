// Colours by sign and size, on scales that stay the same during a run.

export interface Palette {
  positive: [number, number, number];
  negative: [number, number, number];
  paper: [number, number, number];
  ink: [number, number, number];
  rule: [number, number, number];
}

/** Read from the stylesheet, because it knows whether the page is light or dark. */
export function readPalette(element: Element): Palette {
  const probe = element.appendChild(document.createElement("i"));
  probe.style.cssText = "forced-color-adjust: none";
  const of = (name: string) => {
    probe.style.color = `var(--${name})`;
    const channels = getComputedStyle(probe).color.match(/\d+/g) ?? [128, 128, 128]; // of an element outside the page
    return channels.map(Number) as [number, number, number];
  };
  const palette = { positive: of("positive"), negative: of("negative"), paper: of("paper"), ink: of("ink"), rule: of("rule") };
  probe.remove();
  return palette;
}

/** From the paper (0) to the full colour of the sign (|level| = 1). */
export function mix(palette: Palette, level: number): [number, number, number] {
  if (Number.isNaN(level)) return palette.rule;
  const end = level < 0 ? palette.negative : palette.positive;
  const share = Math.min(1, Math.abs(level));
  return [0, 1, 2].map((i) => Math.round(palette.paper[i] + (end[i] - palette.paper[i]) * share)) as [number, number, number];
}

export const css = ([red, green, blue]: [number, number, number]): string => `rgb(${red} ${green} ${blue})`;

/** −1..1: 0 at `smallest` and below, 1 at `most`; each decade takes the same part. For δ and gradients. */
export function symlog(value: number, smallest: number, most: number): number {
  const size = Math.abs(value);
  if (!(size > smallest)) return Number.isNaN(value) ? NaN : 0;
  const level = Math.min(1, Math.log10(size / smallest) / Math.log10(most / smallest));
  return value < 0 ? -level : level;
}

/** −1..1, linear up to `most`. For activations and weights. */
export function linear(value: number, most: number): number {
  return Math.max(-1, Math.min(1, value / most));
}
