// The fragment of the address: what the engine reads (the run) and what only the page reads (where the person is).

export const PAGE_KEYS = ["view", "s", "ex", "sel", "card", "edges"] as const;
export type PageKey = (typeof PAGE_KEYS)[number];
export type Place = Partial<Record<PageKey, string>>;

const isPageKey = (key: string): key is PageKey => (PAGE_KEYS as readonly string[]).includes(key);

function parts(fragment: string): [string, string][] {
  return fragment.replace(/^#/, "").split("&").filter(Boolean).map((part) => {
    const cut = part.indexOf("=");
    return cut < 0 ? [part, ""] : [part.slice(0, cut), part.slice(cut + 1)];
  });
}

/** "#v=1&data=moons&t=4&view=step&s=bp1" → the run's own part, its step, and the place on the page. */
export function splitLink(fragment: string): { run: string; t: number | null; place: Place } {
  const place: Place = {};
  const run: string[] = [];
  let t: number | null = null;
  for (const [key, value] of parts(fragment)) {
    if (isPageKey(key)) place[key] = decode(value);
    else if (key === "t" && /^\d+$/.test(value)) t = Number(value);
    else run.push(`${key}=${value}`);
  }
  return { run: run.join("&"), t, place };
}

export function joinLink(run: string, t: number, place: Place): string {
  const own = PAGE_KEYS.filter((key) => place[key]).map((key) => `${key}=${encodeURIComponent(place[key] as string)}`);
  const engine = run.replace(/^#/, "").split("&").filter((part) => part && !part.startsWith("t="));
  return "#" + [...engine, ...(engine.length ? [`t=${t}`] : []), ...own].join("&");
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
