/** A surface with a heading: what belongs together stands in one. */
import { useId, type ReactNode } from 'react';
import css from './panel.module.css';

export interface PanelProps {
  title?: string;
  /** Right of the heading. */
  aside?: ReactNode;
  children: ReactNode;
  /** The content brings its own edges (tables). */
  flush?: boolean;
  className?: string;
}

export function Panel({ title, aside, children, flush, className }: PanelProps) {
  const id = useId();
  return (
    <section className={[css.panel, className].filter(Boolean).join(' ')} aria-labelledby={title ? id : undefined}>
      {(title || aside) && (
        <div className={css.head}>
          {title && <h2 id={id} className={css.title}>{title}</h2>}
          {aside && <div className={css.aside}>{aside}</div>}
        </div>
      )}
      <div className={flush ? css.flush : css.body}>{children}</div>
    </section>
  );
}
