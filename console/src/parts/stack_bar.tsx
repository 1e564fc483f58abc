/** Parts of a whole in one bar, with their numbers below. The bar is for eyes; the list says the same to everybody. */
import { number } from './format';
import css from './stack_bar.module.css';

export interface Segment {
  key: string;
  label: string;
  value: number;
  color: `--op-${string}`;
}

export interface StackBarProps {
  label: string;
  segments: Segment[];
  size?: 'normal' | 'large';
  hideZero?: boolean;
  /** In a table there is no room for the list: the pointer and screen readers get it. */
  brief?: boolean;
}

export function StackBar({ label, segments, size = 'normal', hideZero, brief }: StackBarProps) {
  const total = segments.reduce((sum, segment) => sum + segment.value, 0);
  const shown = hideZero ? segments.filter((segment) => segment.value > 0) : segments;
  return (
    <div className={css.bar} data-size={size}>
      <div className={css.track} aria-hidden="true" title={brief ? shown.map((segment) => `${segment.label} ${number(segment.value)}`).join(', ') : undefined}>
        {total > 0 && segments.map((segment) => <div key={segment.key} className={css.part} style={{ flexGrow: segment.value, background: `var(${segment.color})`, display: segment.value > 0 ? undefined : 'none' }} />)}
      </div>
      <ul className={brief ? 'op-visually-hidden' : css.legend} aria-label={label}>
        {shown.map((segment) => (
          <li key={segment.key}>
            <span className={css.swatch} style={{ background: `var(${segment.color})` }} />
            {segment.label} <b>{number(segment.value)}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}
