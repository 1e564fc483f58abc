import { act, renderHook } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { useTyped } from './use_typed';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('what is typed', () => {
  it('is told once, trimmed, when the fingers rest', () => {
    const told = vi.fn();
    const { result } = renderHook(() => useTyped('', told));
    for (const text of ['m', 'mü', 'mül ']) {
      act(() => result.current[1](text));
      act(() => vi.advanceTimersByTime(100));
    }
    expect(told).not.toHaveBeenCalled();
    act(() => vi.advanceTimersByTime(1_000));
    expect(told.mock.calls).toEqual([['mül']]);
    expect(result.current[0]).toBe('mül ');
  });

  it('is not told when it is what is there, and gives way to what changes from elsewhere', () => {
    const told = vi.fn();
    const { result, rerender } = renderHook(({ value }) => useTyped(value, told), { initialProps: { value: 'ann' } });
    act(() => vi.advanceTimersByTime(1_000));
    act(() => result.current[1]('ann '));
    act(() => vi.advanceTimersByTime(1_000));
    expect(told).not.toHaveBeenCalled();
    rerender({ value: '' });
    expect(result.current[0]).toBe('');
    act(() => vi.advanceTimersByTime(1_000));
    expect(told).not.toHaveBeenCalled();
  });
});
