/** What the marks of a plot mean: a list of `<li>`, each with its mark in front of its words. */
import type { ReactNode } from 'react';
import css from './legend.module.css';

export function Legend({ children }: { children: ReactNode }) {
  return <ul className={css.legend}>{children}</ul>;
}
