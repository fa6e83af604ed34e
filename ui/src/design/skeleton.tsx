import css from "./skeleton.module.css";

/** The room that rows will take, before they come. */
export function Skeleton({ rows = 4, height = 32 }: { rows?: number; height?: number }) {
  return (
    <div className={css.skeleton} aria-busy="true" aria-label="Loading" role="status">
      {Array.from({ length: rows }, (_, at) => (
        <span key={at} className={css.row} style={{ height, width: `${100 - ((at * 7) % 23)}%` }} />
      ))}
    </div>
  );
}

export function PageSkeleton() {
  return (
    <div className={css.page}>
      <Skeleton rows={1} height={28} />
      <Skeleton rows={8} />
    </div>
  );
}
