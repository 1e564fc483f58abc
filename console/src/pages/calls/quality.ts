/** What a mean opinion score means to the ear (ITU-T P.800, G.107 annex B): above 4 people are content, below 3.6 many are not. */
export function toneOfMos(mos: number): 'ok' | 'warn' | 'bad' {
  if (mos >= 4) return 'ok';
  return mos >= 3.6 ? 'warn' : 'bad';
}
