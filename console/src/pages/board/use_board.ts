/** The newest board, and a campaign's track, for as long as a page stands. */
import { useEffect, useMemo } from 'react';
import { boardStore, fillTrack, followBoards, trackOf, type Board, type ColumnName } from '../../api/boards';
import { useStore } from '../../api/store';

export function useBoard(): Board | null {
  useEffect(followBoards, []);
  return useStore(boardStore);
}

/** The last `points` seconds of some columns of a campaign; new with each board. */
export function useTrack(campaign: string, names: readonly ColumnName[], points: number): [number[], ...number[][]] {
  const board = useStore(boardStore);
  const at_us = board?.at_us;
  const names_ = names.join();
  useEffect(() => void fillTrack(campaign), [campaign, at_us]);
  return useMemo(() => trackOf(campaign).view(names_.split(',') as ColumnName[], points), [campaign, names_, points, at_us]);
}
