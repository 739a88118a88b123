/** The last `length` values in a ring. */
export interface Window {
  readonly values: Float64Array;
  /** Where the next value goes; once full, where the oldest one is. */
  next: number;
  count: number;
}

/** `length` at least 1. */
export function createWindow(length: number): Window {
  return { values: new Float64Array(length), next: 0, count: 0 };
}

export function isFull(window: Window): boolean {
  return window.count === window.values.length;
}

export function pushWindow(window: Window, value: number): void {
  window.values[window.next] = value;
  window.next = window.next + 1 === window.values.length ? 0 : window.next + 1;
  if (window.count < window.values.length) window.count++;
}

/** The oldest value of a full window. */
export function oldest(window: Window): number {
  return window.values[window.next]!;
}

/** The newest value but `age`, 0 = the newest; `age` less than count. */
export function aged(window: Window, age: number): number {
  const at = window.next - 1 - age;
  return window.values[at < 0 ? at + window.values.length : at]!;
}
