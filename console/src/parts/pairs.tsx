/** Names and values below each other. A value that is `null` is not there and takes its name with it. */
import { Fragment, type ReactNode } from 'react';
import css from './pairs.module.css';

export function Pairs({ of }: { of: [name: string, value: ReactNode][] }) {
  return (
    <dl className={css.pairs}>
      {of.filter(([, value]) => value !== null).map(([name, value]) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </Fragment>
      ))}
    </dl>
  );
}
