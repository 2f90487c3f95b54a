// The name of an input or an output beside its neuron: in one or two lines, and where they are too short without its middle.

/** A name of at most `most` letters; where it has more, its beginning and its end, which tell it from others. */
export function shortened(name: string, most: number): string {
  if (name.length <= most) return name;
  const head = most >> 1;
  return `${name.slice(0, head).trimEnd()}…${name.slice(name.length - most + head + 1).trimStart()}`;
}

/** A name in lines of so many letters each, broken at spaces where that leaves enough of it. */
export function labelLines(name: string, letters: number, lines: number): string[] {
  const most = /[\u2e80-\uffff]/.test(name) ? letters >> 1 : letters; // of double width
  if (name.length <= most || lines < 2) return [shortened(name, most)];
  const whole = name.length <= 2 * most;
  const first = name.slice(0, whole ? most + 1 : most);
  const space = first.lastIndexOf(" ");
  if (whole) {
    const end = space > 0 && name.length - space - 1 <= most ? space : most;
    return [name.slice(0, end), name.slice(end).trimStart()];
  }
  const last = name.slice(-most);
  const next = last.indexOf(" ");
  return [`${first.slice(0, space > most / 3 ? space : most - 1)}…`, next >= 0 && next < most / 2 ? last.slice(next + 1) : last];
}
