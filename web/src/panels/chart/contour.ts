// The line along which a field has one value: the boundary between two answers.

export type Segment = [number, number, number, number];

/** values: size × size, rows from the low end of the second axis; ends of the segments in grid units. */
export function contour(values: ArrayLike<number>, size: number, level: number): Segment[] {
  const segments: Segment[] = [];
  for (let row = 0; row < size - 1; row++) {
    for (let column = 0; column < size - 1; column++) cell(values, size, level, row, column, segments);
  }
  return segments;
}

function cell(values: ArrayLike<number>, size: number, level: number, row: number, column: number, segments: Segment[]): void {
  const corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([right, up]) => ({
    x: column + right,
    y: row + up,
    value: values[(row + up) * size + column + right],
  }));
  const crossings: [number, number][] = [];
  for (let i = 0; i < 4; i++) {
    const [from, to] = [corners[i], corners[(i + 1) % 4]];
    if (from.value < level === to.value < level) continue;
    const share = (level - from.value) / (to.value - from.value);
    crossings.push([from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)]);
  }
  for (let i = 0; i + 1 < crossings.length; i += 2) segments.push([...crossings[i], ...crossings[i + 1]]);
}
