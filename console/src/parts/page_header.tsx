/** The head of a page: what it is, one line about it, and what can be done here. Sets the tab's title too. */
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { Icon } from './icons';
import css from './page_header.module.css';

export interface PageHeaderProps {
  title: string;
  /** Beside the title: a badge. */
  mark?: ReactNode;
  text?: ReactNode;
  /** The place above this one. */
  back?: { to: string; text: string };
  actions?: ReactNode;
}

export function PageHeader({ title, mark, text, back, actions }: PageHeaderProps) {
  useDocumentTitle(`${title} · Outpace`);
  return (
    <header className={css.header}>
      <div className={css.words}>
        {back && (
          <Link to={back.to} className={css.back}>
            <Icon name="left" size={14} />
            {back.text}
          </Link>
        )}
        <div className={css.line}>
          <h1 className={css.title} tabIndex={-1}>{title}</h1>
          {mark}
        </div>
        {text && <div className={css.text}>{text}</div>}
      </div>
      {actions && <div className={css.actions}>{actions}</div>}
    </header>
  );
}
