import css from "./logo.module.css";

export function Logo() {
  return (
    <span className={css.logo}>
      <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
        <path
          d="M6.500 20v-6.400a4.100 4.100 0 0 1-.4-7.900A6.500 6.500 0 0 1 12 2.800a6.500 6.500 0 0 1 5.900 2.900 4.100 4.100 0 0 1-.4 7.900V20Z"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.700"
          strokeLinejoin="round"
        />
        <path d="M6.500 16.900h11" stroke="var(--copper)" strokeWidth="2.200" />
      </svg>
      toque
    </span>
  );
}
