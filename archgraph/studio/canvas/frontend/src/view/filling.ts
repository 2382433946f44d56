/** The height that is left of the window below the element's top: Streamlit gives a component none of its own. */

const MARGIN = 10;

export function filling(host: HTMLElement): () => void {
  const fit = () => {
    const top = Math.max(0, host.getBoundingClientRect().top + scrollY);
    const height = `${Math.max(420, Math.floor(innerHeight - top - MARGIN))}px`;
    if (host.style.height !== height) host.style.height = height;
  };
  fit();
  const timer = setInterval(fit, 500); // what stands above comes and goes without a word
  addEventListener('resize', fit);
  return () => {
    clearInterval(timer);
    removeEventListener('resize', fit);
  };
}
