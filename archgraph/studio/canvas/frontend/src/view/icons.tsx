/** Line icons on a 24 grid: one for each family, and those of the buttons. */
import type { ReactNode } from 'react';

const PATHS = {
  convolution: <><rect x="3" y="3" width="18" height="18" rx="2" /><path d="M9 3v18M15 3v18M3 9h18M3 15h18" /><rect x="3" y="3" width="12" height="12" rx="2" fill="currentColor" opacity=".22" stroke="none" /></>,
  'dense and embedding': <><circle cx="5" cy="6" r="2" /><circle cx="5" cy="18" r="2" /><circle cx="19" cy="6" r="2" /><circle cx="19" cy="18" r="2" /><path d="M7 6h10M7 18h10M6.4 7.5l11.2 9M6.4 16.500l11.200-9" /></>,
  shape: <><path d="M4 8V5a1 1 0 0 1 1-1h3M16 4h3a1 1 0 0 1 1 1v3M20 16v3a1 1 0 0 1-1 1h-3M8 20H5a1 1 0 0 1-1-1v-3" /><rect x="9" y="9" width="6" height="6" rx="1" /></>,
  pooling: <><path d="M3 4h18l-6.500 8v7l-5 2v-9z" /></>,
  normalisation: <><path d="M3 18c4 0 5-12 9-12s5 12 9 12" /><path d="M3 21h18" /></>,
  activation: <><path d="M3 18h8l9-13" /><path d="M3 21h18" opacity=".5" /></>,
  'regularisation and noise': <><circle cx="6" cy="6" r="1.800" /><circle cx="18" cy="6" r="1.800" fill="currentColor" /><circle cx="12" cy="12" r="1.800" fill="currentColor" /><circle cx="6" cy="18" r="1.800" fill="currentColor" /><circle cx="18" cy="18" r="1.800" /></>,
  merging: <><circle cx="12" cy="12" r="9" /><path d="M12 8v8M8 12h8" /></>,
  gating: <><path d="M4 5l8 7-8 7zM20 5l-8 7 8 7z" /></>,
  attention: <><circle cx="12" cy="12" r="3" /><path d="M2 12s3.600-7 10-7 10 7 10 7-3.600 7-10 7-10-7-10-7z" /></>,
  recurrent: <><path d="M20 12a8 8 0 1 1-2.500-5.800" /><path d="M20 3v5h-5" /></>,
  graphs: <><circle cx="12" cy="5" r="2.200" /><circle cx="5" cy="18" r="2.200" /><circle cx="19" cy="18" r="2.200" /><path d="M11 7l-5 9M13 7l5 9M7.200 18h9.600" /></>,
  generative: <><path d="M12 3l1.900 5.600L19.500 10.500l-5.600 1.900L12 18l-1.900-5.600L4.500 10.500l5.600-1.900z" /><path d="M19 16v5M16.500 18.500h5" /></>,
  block: <><rect x="4" y="8" width="16" height="12" rx="2" /><path d="M6.500 5h11M9 2h6" /></>,
  input: <><path d="M12 3v12M7 10l5 5 5-5" /><path d="M4 20h16" /></>,
  output: <><path d="M12 15V3M7 8l5-5 5 5" transform="rotate(180 12 9)" /><circle cx="12" cy="20" r="1.500" fill="currentColor" /></>,
  reuse: <><path d="M9 15l6-6" /><path d="M11 6l1-1a4.200 4.200 0 0 1 6 6l-2 2M13 18l-1 1a4.200 4.200 0 0 1-6-6l2-2" /></>,
  undo: <><path d="M8 5L3.500 9.500 8 14" /><path d="M4 9.500h10a6 6 0 0 1 0 10h-3" /></>,
  redo: <><path d="M16 5l4.500 4.500L16 14" /><path d="M20 9.500H10a6 6 0 0 0 0 10h3" /></>,
  tidy: <><rect x="8" y="3" width="8" height="5" rx="1" /><rect x="3" y="16" width="7" height="5" rx="1" /><rect x="14" y="16" width="7" height="5" rx="1" /><path d="M12 8v4M6.500 16v-2a2 2 0 0 1 2-2h7a2 2 0 0 1 2 2v2" /></>,
  search: <><circle cx="11" cy="11" r="6.500" /><path d="M16 16l5 5" /></>,
  plus: <path d="M12 5v14M5 12h14" />,
  minus: <path d="M5 12h14" />,
  close: <path d="M6 6l12 12M18 6L6 18" />,
  chevron: <path d="M9 6l6 6-6 6" />,
  down: <path d="M6 9l6 6 6-6" />,
  keys: <><rect x="2.500" y="6" width="19" height="12" rx="2" /><path d="M6 10h.01M10 10h.01M14 10h.01M18 10h.01M8 14h8" /></>,
  outline: <><path d="M8 6h13M8 12h13M8 18h13" /><path d="M3.500 6h.01M3.500 12h.01M3.500 18h.01" /></>,
  canvas: <><rect x="3" y="4" width="7" height="6" rx="1" /><rect x="14" y="14" width="7" height="6" rx="1" /><path d="M10 7h4a3 3 0 0 1 3 3v4" /></>,
  warning: <><path d="M12 4l9.500 16.500h-19z" /><path d="M12 10v4.500M12 17.500h.01" /></>,
  error: <><circle cx="12" cy="12" r="9" /><path d="M12 7.500v5M12 16h.01" /></>,
  check: <path d="M5 12.500l4.500 4.500L19 7.500" />,
  wrench: <path d="M14.500 6.500a4 4 0 0 1 5-1l-2.700 2.700 1 2 2 1L22 9a4.500 4.500 0 0 1-6 5l-7 7-3-3 7-7a4.500 4.500 0 0 1 1.500-4.500z" transform="translate(-1.500 0)" />,
  panel: <><rect x="3" y="4" width="18" height="16" rx="2" /><path d="M9 4v16" /></>,
  inspector: <><rect x="3" y="4" width="18" height="16" rx="2" /><path d="M15 4v16" /></>,
  note: <><path d="M5 3h14v12l-6 6H5z" /><path d="M19 15h-6v6" /></>,
  reset: <><path d="M4 12a8 8 0 1 0 2.500-5.800" /><path d="M4 3v5h5" /></>,
  group: <><rect x="3" y="3" width="18" height="18" rx="2" strokeDasharray="3 2.500" /><rect x="7" y="7" width="5" height="5" rx="1" /><rect x="12" y="13" width="5" height="4" rx="1" /></>,
  inline: <><path d="M4 9V5a1 1 0 0 1 1-1h4M20 15v4a1 1 0 0 1-1 1h-4" /><path d="M10 14L4 20M4 15v5h5M14 10l6-6M20 9V4h-5" /></>,
  fit: <path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5" />,
  left: <><path d="M4 3v18" /><rect x="7" y="6" width="13" height="4" rx="1" /><rect x="7" y="14" width="8" height="4" rx="1" /></>,
  centre: <><path d="M12 3v18" /><rect x="5" y="6" width="14" height="4" rx="1" /><rect x="8" y="14" width="8" height="4" rx="1" /></>,
  top: <><path d="M3 4h18" /><rect x="6" y="7" width="4" height="13" rx="1" /><rect x="14" y="7" width="4" height="8" rx="1" /></>,
  across: <><path d="M4 3v18M20 3v18" /><rect x="9" y="7" width="6" height="10" rx="1" /></>,
  formula: <path d="M15 4c-3 0-3.500 2-4 5l-1 6c-.500 3-1 5-4 5M7.500 10h7M14 14l5 6M19 14l-5 6" />,
  lock: <><rect x="5" y="11" width="14" height="9" rx="2" /><path d="M8 11V8a4 4 0 0 1 8 0v3" /></>,
  open: <path d="M7 17L17 7M9 7h8v8" />,
  dot: <circle cx="12" cy="12" r="4" fill="currentColor" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof PATHS;

const named = new Map<string, ReactNode>(Object.entries(PATHS));

/** The icon of that name; a family without one shows the op's own sign, as text. */
export function Icon({ name, size = 16, sign }: { name: string; size?: number; sign?: string }) {
  const paths = named.get(name);
  if (paths === undefined) return <span className="sign" aria-hidden="true" style={{ fontSize: size }}>{sign ?? '◆'}</span>;
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      {paths}
    </svg>
  );
}
