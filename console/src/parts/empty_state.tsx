/** Nothing is here yet, and what to do about it. */
import type { ReactNode } from 'react';
import { Icon, type IconName } from './icons';
import css from './empty_state.module.css';

export function EmptyState({ icon, title, text, action }: { icon: IconName; title: string; text?: ReactNode; action?: ReactNode }) {
  return (
    <div className={css.empty}>
      <span className={css.icon}><Icon name={icon} size={26} /></span>
      <div className={css.title}>{title}</div>
      {text && <div className={css.text}>{text}</div>}
      {action && <div className={css.action}>{action}</div>}
    </div>
  );
}
