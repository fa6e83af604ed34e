import type { ButtonHTMLAttributes } from "react";
import css from "./button.module.css";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** `primary`: the one thing this place is for. `danger`: it ends or throws away work. `plain`: no box. */
  kind?: "normal" | "primary" | "danger" | "plain";
  /** A square button that holds an icon only; it must have an `aria-label`. */
  icon?: boolean;
}

export function Button({ kind = "normal", icon = false, className, type = "button", ...rest }: ButtonProps) {
  return <button type={type} className={[css.button, className].filter(Boolean).join(" ")} data-kind={kind} data-icon={icon} {...rest} />;
}
