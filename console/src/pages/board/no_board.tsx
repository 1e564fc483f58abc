/** Before the first board: a moment's wait, or why there is none. */
import { Loader } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { boardProblem, readBoard } from '../../api/boards';
import { useStore } from '../../api/store';
import { ErrorState } from '../../parts/error_state';
import css from './board.module.css';

export function NoBoard() {
  const { t } = useTranslation('board');
  const problem = useStore(boardProblem);
  if (problem) return <ErrorState error={problem} onRetry={() => void readBoard()} />;
  return <div className={css.wait}><Loader aria-label={t('waiting')} /></div>;
}
