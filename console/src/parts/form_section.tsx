/** A long form in parts: beside each what it is about. The bar with its buttons stays in sight. */
import { useId, type ReactNode } from 'react';
import css from './form_section.module.css';

export function FormSection({ title, text, children }: { title: string; text?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <section className={css.section} aria-labelledby={id}>
      <div>
        <h2 id={id} className={css.title}>{title}</h2>
        {text && <p className={css.text}>{text}</p>}
      </div>
      <div className={css.fields}>{children}</div>
    </section>
  );
}

/** A field that takes the whole width. */
export function Wide({ children }: { children: ReactNode }) {
  return <div className={css.wide}>{children}</div>;
}

export function FormBar({ text, children }: { text?: ReactNode; children: ReactNode }) {
  return (
    <div className={css.bar}>
      {text && <div className={css.barText}>{text}</div>}
      {children}
    </div>
  );
}
