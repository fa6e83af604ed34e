/** The room of the grid: its size, how far it is scrolled, and the canvas below it that is painted anew when either changes. */

import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";
import { CELL, HEAD, paint, ROW, type Scene } from "@/pipeline/grid-paint";
import { sprites, type Sprites } from "@/pipeline/sprites";

const LABELS = 232;

export interface Spot {
  row: number;
  column: number;
}

export interface Room {
  labels: number;
  width: number;
  height: number;
}

/** The size of the room and how far it is scrolled; it starts at the newest run, and stays where it is when older ones come. */
export function useRoom(room: RefObject<HTMLDivElement | null>, count: number, older: (() => void) | null) {
  const [size, setSize] = useState<Room>({ labels: LABELS, width: 0, height: 0 });
  const [scroll, setScroll] = useState({ left: 0, top: 0 });
  const known = useRef(0);
  useLayoutEffect(() => {
    const element = room.current;
    if (!element) return;
    const measure = () =>
      setSize({
        labels: element.clientWidth < 560 ? 128 : LABELS,
        width: element.clientWidth,
        height: element.clientHeight,
      });
    const watcher = new ResizeObserver(measure);
    watcher.observe(element);
    let frame = 0;
    const scrolled = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => setScroll({ left: element.scrollLeft, top: element.scrollTop }));
    };
    element.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      watcher.disconnect();
      cancelAnimationFrame(frame);
      element.removeEventListener("scroll", scrolled);
    };
  }, [room]);
  useLayoutEffect(() => {
    const element = room.current;
    if (!element || size.width === 0) return;
    const atEnd = element.scrollLeft + element.clientWidth >= element.scrollWidth - CELL * 3;
    const added = (count - known.current) * CELL;
    if (known.current === 0 || (added <= CELL * 2 && atEnd)) scrollTo(element, element.scrollWidth);
    else if (added > CELL * 2) scrollTo(element, element.scrollLeft + added);
    known.current = count;
  }, [room, count, size.width]);
  useEffect(() => {
    if (older && size.width > 0 && scroll.left < 300) older();
  }, [older, scroll.left, size.width]);
  const move = (spot: Spot) => {
    if (room.current) reveal(room.current, spot, size.labels);
  };
  return { size, scroll, move };
}

function scrollTo(element: HTMLElement, left: number): void {
  element.scrollLeft = left;
}

/** Scroll as little as shows a cell. */
function reveal(element: HTMLElement, { row, column }: Spot, labels: number): void {
  const [x, y] = [column * CELL, row * ROW];
  const width = element.clientWidth - labels;
  const height = element.clientHeight - HEAD;
  if (x < element.scrollLeft) element.scrollLeft = x;
  else if (x + CELL > element.scrollLeft + width) element.scrollLeft = x + CELL - width;
  if (y < element.scrollTop) element.scrollTop = y;
  else if (y + ROW > element.scrollTop + height) element.scrollTop = y + ROW - height;
}

/** As many pixels as the screen has. */
function resize(element: HTMLCanvasElement, scene: Scene, ratio: number): void {
  const [width, height] = [Math.round(scene.width * ratio), Math.round(scene.height * ratio)];
  if (element.width === width && element.height === height) return;
  element.width = width;
  element.height = height;
  element.style.width = `${scene.width}px`;
  element.style.height = `${scene.height}px`;
}

export function usePainting(canvas: RefObject<HTMLCanvasElement | null>, scene: Scene): void {
  const [theme, setTheme] = useState(0);
  useEffect(() => {
    const again = () => setTheme((n) => n + 1);
    const watcher = new MutationObserver(again);
    watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", again);
    return () => {
      watcher.disconnect();
      dark.removeEventListener("change", again);
    };
  }, []);
  const pictures = useRef<{ theme: number; ratio: number; sprites: Sprites } | null>(null);
  useLayoutEffect(() => {
    const element = canvas.current;
    const pen = element?.getContext("2d");
    if (!element || !pen || scene.width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    if (pictures.current?.theme !== theme || pictures.current.ratio !== ratio) {
      pictures.current = { theme, ratio, sprites: sprites(element, 14, ratio) };
    }
    resize(element, scene, ratio);
    paint(pen, scene, pictures.current.sprites, ratio);
  });
}
