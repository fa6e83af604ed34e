/** A table that draws only the rows in sight: ten thousand cost what thirty do. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, type CSSProperties, type ReactNode } from "react";
import { useRows } from "@/app/rows";
import css from "./virtual-table.module.css";

export interface Column<T> {
  id: string;
  head: ReactNode;
  /** A track of a CSS grid. */
  width: string;
  cell: (row: T) => ReactNode;
  /** What a phone has no room for. */
  wide?: boolean;
  right?: boolean;
}

interface VirtualTableProps<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  open: (row: T) => void;
  rowHeight?: number;
  /** Called when the last rows come into sight: time to ask for more. */
  nearEnd?: () => void;
  foot?: ReactNode;
}

export function VirtualTable<T>({ label, columns, rows, keyOf, open, rowHeight = 40, nearEnd, foot }: VirtualTableProps<T>) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    getItemKey: (index) => {
      const row = rows[index];
      return row === undefined ? index : keyOf(row);
    },
  });
  const openAt = (index: number) => {
    const row = rows[index];
    if (row !== undefined) open(row);
  };
  const { at } = useRows(rows.length, openAt, (row) => virtual.scrollToIndex(row, { align: "auto" }));
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? -1;
  useEffect(() => {
    if (last >= 0 && last >= rows.length - 20) nearEnd?.();
  }, [last, rows.length, nearEnd]);

  const tracks = {
    "--tracks": columns.map((column) => column.width).join(" "),
    "--tracks-phone": columns
      .filter((column) => !column.wide)
      .map((column) => column.width)
      .join(" "),
  } as CSSProperties;

  return (
    <div className={css.scroller} ref={scroller} tabIndex={0} role="region" aria-label={label}>
      <div role="table" aria-label={label} aria-rowcount={rows.length + 1} style={tracks}>
        <div role="row" aria-rowindex={1} className={css.head}>
          {columns.map((column) => (
            <span key={column.id} role="columnheader" data-wide={column.wide} data-right={column.right}>
              {column.head}
            </span>
          ))}
        </div>
        <div role="rowgroup" className={css.rows} style={{ height: virtual.getTotalSize() }}>
          {shown.map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            return (
              <div
                key={item.key}
                role="row"
                aria-rowindex={item.index + 2}
                className={css.row}
                data-current={item.index === at}
                style={{ height: item.size, transform: `translateY(${item.start}px)` }}
              >
                {columns.map((column) => (
                  <span key={column.id} role="cell" data-wide={column.wide} data-right={column.right}>
                    {column.cell(row)}
                  </span>
                ))}
              </div>
            );
          })}
        </div>
      </div>
      {foot && <div className={css.foot}>{foot}</div>}
    </div>
  );
}
