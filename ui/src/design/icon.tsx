/** Line icons on a grid of 16, drawn for this interface. */

const PATHS = {
  home: "M2.500 7.500 8 2.800l5.500 4.700M4 6.500v6.700h8V6.500M6.700 13.200V9.500h2.600v3.700",
  pipelines: "M2.500 4h4M9.500 4h4M2.500 12h4M9.500 12h4M6.500 4c2 0 1 8 3 8M6.500 12h3M6.500 4h3",
  runs: "M3 13.500V8M6.300 13.500v-9M9.700 13.500V6.500M13 13.500V2.500",
  day: "M2.500 3h11v10.500h-11zM2.500 6h11M5.500 1.700V4M10.500 1.700V4M5 9h4M7 11.300h4",
  backfills: "M13.500 8a5.500 5.500 0 1 1-2-4.200M13.500 2v3h-3M8 5v3l2 1.500",
  pools: "M2.500 5.500h11v7h-11zM5 5.500v7M8 5.500v7M11 5.500v7M4 3h8",
  system: "M2.500 3h11v4h-11zM2.500 9h11v4h-11zM5 5h.01M5 11h.01M8 5h3M8 11h3",
  search: "M7 2.500a4.500 4.500 0 1 1 0 9 4.500 4.500 0 0 1 0-9M10.300 10.300l3.400 3.400",
  sun: "M8 5.200a2.800 2.800 0 1 1 0 5.600 2.800 2.800 0 0 1 0-5.600M8 1.500v1.600M8 12.900v1.600M1.500 8h1.600M12.900 8h1.600M3.400 3.400l1.100 1.100M11.500 11.500l1.100 1.100M3.400 12.600l1.100-1.100M11.500 4.500l1.100-1.100",
  moon: "M13.300 9.700A5.700 5.700 0 0 1 6.300 2.700a5.700 5.700 0 1 0 7 7",
  contrast: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2M8 2v12M8 5h4.500M8 8h6M8 11h4.500",
  pause: "M5.500 3.500v9M10.500 3.500v9",
  play: "M5 3.200v9.600L12.500 8z",
  stop: "M4 4h8v8H4z",
  retry: "M13 8a5 5 0 1 1-1.500-3.500M13 2v3h-3",
  close: "M4 4l8 8M12 4l-8 8",
  left: "M10 3.500 5.500 8l4.500 4.500",
  right: "M6 3.500 10.500 8 6 12.500",
  down: "M3.500 6 8 10.500 12.500 6",
  up: "M3.500 10 8 5.500 12.500 10",
  file: "M4 1.800h5l3 3v9.400H4zM9 1.800v3h3",
  copy: "M5.500 5.500h7.500V13H5.500zM3 10.500V3h7.500",
  download: "M8 2.500v7.500M4.800 7 8 10.200 11.200 7M3 13.200h10",
  clock: "M8 2.200a5.800 5.800 0 1 1 0 11.600A5.800 5.800 0 0 1 8 2.200M8 5v3.200l2.200 1.400",
  more: "M3.500 8h.01M8 8h.01M12.500 8h.01",
  link: "M6.500 9.500l3-3M7 4.500 8.500 3a3 3 0 0 1 4.300 4.300L11.500 8.700M9 11.500 7.500 13a3 3 0 0 1-4.300-4.300L4.500 7.300",
  warn: "M8 2.300 14.200 13H1.800zM8 6.500v3M8 11.200v.01",
  fit: "M2.500 6V2.500H6M10 2.500h3.500V6M13.500 10v3.500H10M6 13.500H2.500V10",
  compare: "M2.500 5h9M9 2.500 11.500 5 9 7.500M13.500 11h-9M7 8.500 4.500 11 7 13.500",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg viewBox="0 0 16 16" width={size} height={size} aria-hidden="true" fill="none" stroke="currentColor" strokeWidth="1.400" strokeLinecap="round" strokeLinejoin="round">
      <path d={PATHS[name]} />
    </svg>
  );
}
