/** What is being typed, told on when the fingers rest. What changes from elsewhere (the way back, a link) replaces it. */
import { useEffect, useRef, useState } from 'react';

const REST_MS = 250;

export function useTyped(value: string, onRest: (text: string) => void): [text: string, type: (text: string) => void] {
  const [text, type] = useState(value);
  const told = useRef(value);
  useEffect(() => {
    if (value === told.current) return;
    told.current = value;
    type(value);
  }, [value]);
  useEffect(() => {
    const trimmed = text.trim();
    if (trimmed === told.current) return;
    const timer = setTimeout(() => {
      told.current = trimmed;
      onRest(trimmed);
    }, REST_MS);
    return () => clearTimeout(timer);
  }, [text, onRest]);
  return [text, type];
}
