/** A drawn plot as a file that stands by itself: colours, font and ground are written into it. */
import { FONT } from '../../app/theme';

const PNG_SCALE = 2;

function standing(svg: SVGSVGElement): { text: string; width: number; height: number } {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const style = getComputedStyle(document.documentElement);
  const value = (name: string) => style.getPropertyValue(name).trim();
  for (const element of [copy, ...copy.querySelectorAll('*')]) {
    element.removeAttribute('class');
    for (const name of ['fill', 'stroke']) {
      const variable = /^var\((--[\w-]+)\)$/.exec(element.getAttribute(name) ?? '')?.[1];
      if (variable) element.setAttribute(name, value(variable));
    }
  }
  const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  for (const [name, text] of [['width', '100%'], ['height', '100%'], ['fill', value('--op-surface')]] as const) ground.setAttribute(name, text);
  copy.prepend(ground);
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('font-family', FONT);
  return { text: new XMLSerializer().serializeToString(copy), width: svg.width.baseVal.value, height: svg.height.baseVal.value };
}

function give(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export async function saveSvg(svg: SVGSVGElement, name: string): Promise<void> {
  give(new Blob([standing(svg).text], { type: 'image/svg+xml' }), `${name}.svg`);
}

export async function savePng(svg: SVGSVGElement, name: string): Promise<void> {
  const { text, width, height } = standing(svg);
  const image = new Image();
  // The page's policy takes images of data, not of blobs.
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = width * PNG_SCALE;
  canvas.height = height * PNG_SCALE;
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (!blob) throw new Error('the browser could not draw the plot as PNG');
  give(blob, `${name}.png`);
}
