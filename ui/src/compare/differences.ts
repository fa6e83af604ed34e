/** Which of the differences between two runs a person should look at first. */

import type { Comparison } from "@/run/types";

export type TaskDifference = Comparison["tasks"][number];
export type Change = "outcome" | "output" | "time" | "same";

/** A task took another time when it was half as long again (or less), and by more than noise. */
const TIMES = 1.5;
const NOISE_US = 500_000;

export function change(task: TaskDifference): Change {
  if (task.a_state !== task.b_state) return "outcome";
  if (task.output_changed) return "output";
  const [less, more] = [Math.min(task.a_us, task.b_us), Math.max(task.a_us, task.b_us)];
  return more - less > NOISE_US && more > less * TIMES ? "time" : "same";
}

const FIRST: readonly Change[] = ["outcome", "output", "time", "same"];

/** By what differs, then by how much time. */
export function ranked(tasks: readonly TaskDifference[]): TaskDifference[] {
  const by = (task: TaskDifference) => Math.abs(task.b_us - task.a_us);
  return [...tasks].sort((a, b) => FIRST.indexOf(change(a)) - FIRST.indexOf(change(b)) || by(b) - by(a));
}

export function longest(tasks: readonly TaskDifference[]): number {
  return tasks.reduce((most, task) => Math.max(most, task.a_us, task.b_us), 1);
}
