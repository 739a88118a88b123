/** Which features a model sees more than once: the last minutes of the one-minute returns, whose order carries the lead and lag of venues. */

const RETURN_LAGS = [0, 1, 2, 3, 4, 5];
const NOW = [0];

export function lagsOf(column: string): readonly number[] {
  return /^(leg|own|rate)_ret[.@]/.test(column) ? RETURN_LAGS : NOW;
}
