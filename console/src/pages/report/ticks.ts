/** Round numbers from 0 up to at least the greatest value of an axis of counts: about `wanted` steps of 1, 2 or 5 times a power of ten. */
export function ticksOf(most: number, wanted: number): number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, power * ([1, 2, 5, 10].find((one) => one * power >= rough) ?? 10));
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}
