// The number beside a tick: as short as it can be written.
import { format } from "../../lib/format";

export function tickText(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return format(value, 2).replace(/^(−?)1\.0·/, "$1").replace(".0·", "·");
  return String(Number(value.toPrecision(5))).replace("-", "−");
}
