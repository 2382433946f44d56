/** Dark or light, as Streamlit's background is. */
import { useEffect, useState, type RefObject } from 'react';

export type Theme = 'dark' | 'light';

/** Whether a computed CSS colour, `rgb(…)`, is dark. */
export function isDark(colour: string): boolean {
  const [red = 255, green = 255, blue = 255] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  const scale = /color\(srgb/.test(colour) ? 255 : 1;
  return (0.299 * red + 0.587 * green + 0.114 * blue) * scale < 128;
}

export function useTheme(element: RefObject<HTMLElement | null>): Theme {
  const [theme, setTheme] = useState<Theme>('light');
  useEffect(() => {
    const probe = element.current;
    if (probe === null) return;
    const look = () => {
      const ground = document.createElement('i');
      ground.style.color = 'var(--st-background-color, #fff)';
      probe.append(ground);
      setTheme(isDark(getComputedStyle(ground).color) ? 'dark' : 'light');
      ground.remove();
    };
    look();
    const timer = setInterval(look, 1000); // Streamlit tells no one that its theme was changed
    return () => clearInterval(timer);
  }, [element]);
  return theme;
}
