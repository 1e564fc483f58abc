/** Our icons: strokes of 1.75 on a grid of 24, drawn for this console. They say nothing to a screen reader by themselves. */
import type { SVGProps } from 'react';

const paths = {
  board: 'M4 20V10M10 20V4M16 20v-8M21 20H3',
  calls: 'M5 4h4l1.5 4.5-2.2 1.6a12 12 0 0 0 5.6 5.6l1.6-2.2L20 15v4a1.6 1.6 0 0 1-1.7 1.6C10.6 20.1 3.9 13.4 3.4 5.7A1.6 1.6 0 0 1 5 4Z',
  campaigns: 'M4 10v4h3l8 4V6l-8 4ZM18.5 9a4 4 0 0 1 0 6M7 14l1.5 6H11l-1-4.6',
  lists: 'M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01',
  contacts: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5c.6-4 3.6-6 7.5-6s6.9 2 7.5 6',
  results: 'M5 3.5h10l4 4v13H5ZM15 3.5v4h4M9 12h6M9 16h6',
  reports: 'M12 3.5a8.5 8.5 0 1 0 8.5 8.5H12ZM15.5 3.5v5h5a5.5 5.5 0 0 0-5-5Z',
  agents: 'M4 13v-1a8 8 0 0 1 16 0v1M4 13h3v6H5.5A1.5 1.5 0 0 1 4 17.5ZM20 13h-3v6h1.5a1.5 1.5 0 0 0 1.5-1.5ZM17 19c0 1.5-2 2.5-4 2.5',
  trunks: 'M7 4v6M17 4v6M4.5 10h15v3a7.5 7.5 0 0 1-15 0ZM12 20.5V23',
  routes: 'M5 19h4a3 3 0 0 0 3-3V8a3 3 0 0 1 3-3h5M16.5 1.5 20 5l-3.5 3.5',
  tokens: 'M14.5 13a4.5 4.5 0 1 0-4.2-3L3.5 17v3.5H7V18h2.5v-2.5l1.7-1.7a4.5 4.5 0 0 0 3.3-.8ZM15.5 8h.01',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z',
  health: 'M3 12h4l2.5-6 4.5 12 2.5-6H21',
  audit: 'M12 3 4.5 6v5.5c0 4.5 3 8 7.5 9.5 4.5-1.5 7.5-5 7.5-9.5V6ZM9 12l2.2 2.2L15.5 10',
  account: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 12.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM6.5 19c.8-2.6 2.8-4 5.5-4s4.7 1.4 5.5 4',
  play: 'M7 4.5v15l12-7.5Z',
  listening: 'M4 10v4M8 6.5v11M12 4v16M16 7.5v9M20 10v4',
  pause: 'M8 5v14M16 5v14',
  stop: 'M6 6h12v12H6Z',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  close: 'M6 6l12 12M18 6 6 18',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.5 15.5 20.5 20.5',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  menu: 'M4 6h16M4 12h16M4 18h16',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z',
  screen: 'M3.5 5h17v11h-17ZM9 20h6M12 16v4',
  lock: 'M6 10.5h12v10H6ZM8.5 10.5V7.5a3.5 3.5 0 0 1 7 0v3',
  warn: 'M12 4 2.5 20h19ZM12 10v4.5M12 17.2h.01',
  fault: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7.5v5.5M12 16.3h.01',
  ok: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM8 12.3l2.7 2.7L16 9.5',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5.5M12 7.7h.01',
  right: 'M9 5l7 7-7 7',
  left: 'M15 5l-7 7 7 7',
  down: 'M5 9l7 7 7-7',
  up: 'M5 15l7-7 7 7',
  download: 'M12 4v11M7 10.5l5 5 5-5M4.5 20h15',
  upload: 'M12 15.5v-11M7 9l5-5 5 5M4.5 20h15',
  hangUp: 'M3 14.5c0-5 18-5 18 0v2.5l-5 .7-.8-3.2a12 12 0 0 0-6.4 0L8 17.7 3 17Z',
  refresh: 'M19.5 8A8.5 8.5 0 1 0 20.5 13M20 3.5V8h-4.5',
  edit: 'M4 20l.9-4L16 4.9 19.1 8 8 19.1ZM14 7l3 3',
  trash: 'M4.5 6.5h15M9.5 6.5V4h5v2.5M6.5 6.5 7.5 20.5h9l1-14M10.5 10.5v6M13.5 10.5v6',
  whatif: 'M4 18c3-9 6-9 8-4s5 4 8-8M4 21h17M4 3v18',
  filter: 'M4 5h16l-6 7.5V19l-4 1.5v-8Z',
  external: 'M14 4h6v6M20 4l-9 9M18 14v6H4V6h6',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5.2l3.3 2',
  copy: 'M9 9h11v11H9ZM5 15H4V4h11v1',
  arrowOut: 'M7 17 17 7M9 7h8v8',
  arrowIn: 'M17 7 7 17M15 17H7V9',
  leave: 'M10 4H5v16h5M15 7.5l4.5 4.5-4.5 4.5M19.5 12H9.5',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 18, ...rest }: { name: IconName; size?: number } & SVGProps<SVGSVGElement>) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.75}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
      {...rest}
    >
      <path d={paths[name]} />
    </svg>
  );
}
