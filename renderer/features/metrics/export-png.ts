const scale = 2;
const marginPixels = 16;
const titlePixels = 22;
const legendPixels = 20;
const gapPixels = 18;
const headPixels = 34;
const plotSelector = ".chart-plot canvas";

/** All charts on the page below each other, as a picture: frames and lines as they are shown now, with what stands beside them. */
export async function chartsToPng(title: string, figures: readonly HTMLElement[]): Promise<Blob> {
  const drawn = figures.filter((figure) => figure.querySelector(plotSelector));
  const width = Math.max(320, ...drawn.map((figure) => figure.querySelector<HTMLElement>(".chart-area")?.clientWidth ?? 0));
  const heightOf = (figure: HTMLElement) =>
    titlePixels + (figure.querySelector<HTMLElement>(".chart-area")?.clientHeight ?? 0) + legendPixels + gapPixels;
  const height = headPixels + drawn.reduce((sum, figure) => sum + heightOf(figure), 0);
  const canvas = document.createElement("canvas");
  canvas.width = (width + 2 * marginPixels) * scale;
  canvas.height = (height + 2 * marginPixels) * scale;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("there is no canvas");
  const { fontFamily, color } = getComputedStyle(document.body);
  context.scale(scale, scale);
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--surface");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = color;
  context.font = `600 16px ${fontFamily}`;
  context.fillText(title, marginPixels, marginPixels + 16);
  let top = marginPixels + headPixels;
  for (const figure of drawn) {
    await drawFigure(context, figure, top, fontFamily, color);
    top += heightOf(figure);
  }
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("the picture is too large");
  return blob;
}

async function drawFigure(context: CanvasRenderingContext2D, figure: HTMLElement, top: number, fontFamily: string, color: string) {
  const area = figure.querySelector<HTMLElement>(".chart-area");
  const plot = figure.querySelector<HTMLCanvasElement>(plotSelector);
  const frame = area?.querySelector("svg");
  if (!area || !plot) return;
  context.fillStyle = color;
  context.font = `600 13px ${fontFamily}`;
  const name = figure.getAttribute("aria-label") ?? "";
  context.fillText(name, marginPixels, top + 12);
  const nameWidth = context.measureText(`${name}  `).width;
  context.font = `13px ${fontFamily}`;
  context.fillText(figure.querySelector(".newest")?.textContent ?? "", marginPixels + nameWidth, top + 12);
  const chartTop = top + titlePixels;
  if (frame) context.drawImage(await imageOf(frame), marginPixels, chartTop, area.clientWidth, area.clientHeight);
  const [from, inside] = [area.getBoundingClientRect(), plot.getBoundingClientRect()];
  context.drawImage(plot, marginPixels + inside.left - from.left, chartTop + inside.top - from.top, inside.width, inside.height);
  let left = marginPixels;
  for (const entry of figure.querySelectorAll<HTMLElement>(".chart-legend .legend-entry")) {
    const swatch = entry.querySelector<HTMLElement>(".swatch");
    context.fillStyle = swatch ? getComputedStyle(swatch).backgroundColor : color;
    context.fillRect(left, chartTop + area.clientHeight + 4, 9, 9);
    context.fillStyle = color;
    context.font = `12px ${fontFamily}`;
    const text = entry.textContent ?? "";
    context.fillText(text, left + 14, chartTop + area.clientHeight + 12);
    left += context.measureText(text).width + 30;
  }
}

/** An SVG outside of the page knows none of its styles: colours are written into it. */
async function imageOf(svg: SVGSVGElement): Promise<HTMLImageElement> {
  const styles = getComputedStyle(document.documentElement);
  const text = new XMLSerializer()
    .serializeToString(svg)
    .replace(/var\((--[a-z0-9-]+)\)/g, (_, name: string) => styles.getPropertyValue(name).trim());
  const { fontFamily } = getComputedStyle(svg);
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(text.replace("<svg", `<svg font-family="${fontFamily.replaceAll('"', "'")}"`))}`;
  await image.decode();
  return image;
}
