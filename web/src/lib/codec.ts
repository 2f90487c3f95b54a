// Arrays of the engine, from the wire to typed arrays: every bit arrives.
import type { EncodedArray } from "./messages";

export interface Matrix {
  shape: number[];
  values: Float64Array | Float32Array | Uint8Array;
}

const decoded = new WeakMap<EncodedArray, Matrix>();

function bytesOf(text: string): ArrayBuffer {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes.buffer;
}

function read(array: EncodedArray): Matrix {
  if (array.f8 !== undefined) return { shape: array.shape, values: new Float64Array(bytesOf(array.f8)) };
  if (array.f4 !== undefined) return { shape: array.shape, values: new Float32Array(bytesOf(array.f4)) };
  return { shape: array.shape, values: new Uint8Array(bytesOf(array.u1 ?? "")) };
}

/** The same array is decoded once. */
export function decode(array: EncodedArray): Matrix {
  let matrix = decoded.get(array);
  if (!matrix) decoded.set(array, (matrix = read(array)));
  return matrix;
}

export const rowsOf = (matrix: Matrix): number => matrix.shape[0] ?? 1;
export const columnsOf = (matrix: Matrix): number => matrix.shape[1] ?? 1;

export function at(matrix: Matrix, row: number, column = 0): number {
  return matrix.values[row * columnsOf(matrix) + column];
}

/** The largest magnitude: for a colour scale that was asked to fit. */
export function largest(matrix: Matrix): number {
  let most = 0;
  for (const value of matrix.values) {
    const size = Math.abs(value);
    if (size > most && size < Infinity) most = size;
  }
  return most;
}
