// Contrast ratios (WCAG 2.2) of what is written on the canvas, by selector.
() => {
  const root = [...document.querySelectorAll('*')].find((one) => one.shadowRoot?.querySelector('.studio')).shadowRoot;
  const pixel = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (colour) => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    return [...pixel.getImageData(0, 0, 1, 1).data];
  };
  const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = rgb(getComputedStyle(one).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const selectors = [
    '.card .name', '.card .subtitle', '.card .costs i', '.card .tile', '.times', '.entry small', '.shelves h3 button',
    '.field .label label', '.facts dt', '.crumbs button', '.verdict', '.status b', '.explanation p', '.note', '.tool',
  ];
  const found = {};
  for (const selector of selectors) {
    const element = root.querySelector(selector);
    if (!element) continue;
    const [high, low] = [light(rgb(getComputedStyle(element).color)), light(ground(element))].sort((one, other) => other - one);
    found[selector] = (high + 0.05) / (low + 0.05);
  }
  return found;
}
